"""Buying by the real Stripe client against a fake that is held to Stripe's own description."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from billing import ledger, sales, stripe_gateway, webhooks
from billing.audit import audit
from billing.models import Account, CreditPack, LedgerEntry, PackPrice, Purchase, StripeEvent
from tests.fake_stripe import WEBHOOK_SECRET, signed

from .conftest import new_user
from .shop import CREDITS, PRICE, balance, buy, deliver, paid_purchase, post


@pytest.fixture(autouse=True)
def books_are_right_afterwards(db):
    yield
    assert list(audit()) == []


@pytest.mark.parametrize("path", ["/billing/stripe/webhook", "/billing/stripe/webhook/"])
def test_deliveries_arrive_with_and_without_a_slash(client, path):
    answer = client.post(path, b"{}", content_type="application/json")
    assert (answer.status_code, answer.headers.get("Location")) == (400, None)


# --- Going to the payment page ---


def test_buying_opens_a_payment_page_for_the_packs_price(shop, stripe, buyer):
    session = stripe.session
    purchase = Purchase.objects.get()
    assert (session["amount_total"], session["currency"]) == (PRICE, "eur")
    assert session["client_reference_id"] == str(purchase.reference)
    assert purchase.session_id == session["id"]
    assert balance(buyer) == 0


def test_the_buyer_is_sent_to_stripe(shop, stripe):
    page = buy(shop, "eur")
    assert stripe.session["url"] in page.content.decode()
    assert page.headers["Refresh"] == f"0; url={stripe.session['url']}"


def test_stripe_is_told_of_the_purchase_and_nothing_else(shop, stripe, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for _ in range(2):  # the second would tell of the first
        buy(shop, "eur")
    assert len(stripe.headers) >= 2
    for headers in stripe.headers:
        assert "X-Stripe-Client-Telemetry" not in headers
        assert not {"telemetry_id", "platform", "uname"} & set(
            json.loads(headers["X-Stripe-Client-User-Agent"])
        )
    assert list(tmp_path.iterdir()) == []


def test_currencies_without_cents_are_sent_whole(shop, stripe):
    buy(shop, "jpy")
    assert (stripe.session["amount_total"], stripe.session["currency"]) == (1500, "jpy")


@pytest.mark.parametrize("currency", ["isk", "ugx"])
def test_whole_amounts_of_some_currencies_are_sent_as_hundredths(shop, stripe, pack, currency):
    PackPrice.objects.create(pack=pack, currency=currency, amount=Decimal("5000"))
    buy(shop, currency)
    assert (stripe.session["amount_total"], stripe.session["currency"]) == (500_000, currency)
    page = shop.get(reverse("pricing"), {"currency": currency}).content.decode()
    assert f"5,000 {currency.upper()}" in page


def test_a_price_that_stripe_would_refuse_is_neither_shown_nor_sold(shop, stripe, pack):
    PackPrice.objects.create(pack=pack, currency="isk", amount=Decimal("12.50"))
    assert "12.50" not in shop.get(reverse("pricing"), {"currency": "isk"}).content.decode()
    assert buy(shop, "isk").status_code == 404


def test_stripe_down_charges_nobody_and_says_so(shop, stripe):
    stripe.down = 3
    page = buy(shop, "eur")
    assert page.status_code == 302
    assert "not been charged" in shop.get(page.url).content.decode()
    assert Purchase.objects.filter(state="expired").count() == 1


def test_an_answer_lost_after_success_opens_one_session(shop, stripe):
    before = len(stripe.sessions)
    stripe.lose_answers = 1
    page = buy(shop, "eur")
    assert page.status_code == 200
    assert len(stripe.sessions) == before + 1
    assert stripe.requests[-2:] == [("POST", "/v1/checkout/sessions")] * 2


def test_a_wrong_secret_key_is_reported_to_the_buyer(shop, settings):
    settings.STRIPE_SECRET_KEY = "sk_test_other"
    assert buy(shop, "eur").status_code == 302


def test_a_pack_that_is_not_for_sale_cannot_be_bought(shop, pack):
    CreditPack.objects.update(is_active=False)
    assert buy(shop, "eur").status_code == 404


@pytest.mark.parametrize("price", ["", "x", "-1", "999999", "9" * 40, "１"])
def test_a_price_that_does_not_exist_cannot_be_bought(shop, price):
    assert shop.post(reverse("buy"), {"price": price}).status_code == 404


def test_without_keys_buying_is_off_and_the_page_says_so(client, buyer, pack, settings):
    settings.STRIPE_SECRET_KEY = ""
    client.force_login(buyer)
    page = client.get(reverse("pricing")).content.decode()
    assert "switched off" in page
    assert "payment page" not in page  # nobody will see one
    buy(client, "eur")
    assert not Purchase.objects.exists()


# --- Paid ---


def test_a_payment_grants_the_packs_credits(shop, stripe, buyer):
    assert deliver(shop, stripe.pay(stripe.session)).status_code == 200
    assert balance(buyer) == CREDITS
    entry = LedgerEntry.objects.get()
    assert (entry.kind, entry.purchase.state, entry.reason) == ("purchase", "paid", "Hundred")


def test_a_payment_sets_the_use_before_date_and_the_packs_name(shop, stripe, buyer):
    deliver(shop, stripe.pay(stripe.session))
    state = ledger.state(buyer)
    assert state.use_before == timezone.localdate() + timedelta(days=365)
    assert state.credit_pack == "Hundred"


def test_a_payment_never_moves_the_use_before_date_back(shop, stripe, buyer):
    far = timezone.localdate() + timedelta(days=1000)
    Account.objects.update(use_before=far)
    deliver(shop, stripe.pay(stripe.session))
    assert ledger.state(buyer).use_before == far


def test_a_payment_wakes_dormant_credits(shop, stripe, buyer):
    ledger.grant(buyer, Decimal(5), "old")
    Account.objects.update(use_before=timezone.localdate() - timedelta(days=1))
    deliver(shop, stripe.pay(stripe.session))
    assert ledger.state(buyer).state == "active"
    assert ledger.hold(buyer, Decimal(105), "", 90)


def test_changing_a_pack_does_not_change_what_was_sold(shop, stripe, buyer):
    CreditPack.objects.update(credits=1, name="Other")
    deliver(shop, stripe.pay(stripe.session))
    assert balance(buyer) == CREDITS


def test_a_second_delivery_changes_nothing(shop, stripe, buyer):
    event = stripe.pay(stripe.session)
    assert [deliver(shop, event).status_code for _ in range(3)] == [200] * 3
    assert balance(buyer) == CREDITS
    assert StripeEvent.objects.count() == 1


def test_a_second_event_about_the_same_session_changes_nothing(shop, stripe, buyer):
    deliver(shop, stripe.pay(stripe.session))
    deliver(shop, stripe.arrive(stripe.session))
    assert balance(buyer) == CREDITS


def test_a_late_expiry_does_not_undo_a_payment(shop, stripe, buyer):
    deliver(shop, stripe.pay(stripe.session))
    deliver(shop, stripe.expire(stripe.session))
    assert (Purchase.objects.get().state, balance(buyer)) == ("paid", CREDITS)


def test_an_abandoned_session_grants_nothing(shop, stripe, buyer):
    deliver(shop, stripe.expire(stripe.session))
    assert (Purchase.objects.get().state, balance(buyer)) == ("expired", 0)


def test_a_slow_payment_grants_when_it_arrives(shop, stripe, buyer):
    deliver(shop, stripe.pay(stripe.session, later=True))
    assert (Purchase.objects.get().state, balance(buyer)) == ("pending", 0)
    deliver(shop, stripe.arrive(stripe.session))
    assert (Purchase.objects.get().state, balance(buyer)) == ("paid", CREDITS)


def test_a_slow_payment_that_bounces_grants_nothing(shop, stripe, buyer):
    deliver(shop, stripe.pay(stripe.session, later=True))
    deliver(shop, stripe.bounce(stripe.session))
    assert (Purchase.objects.get().state, balance(buyer)) == ("failed", 0)


def test_arrival_before_completion_grants_once(shop, stripe, buyer):
    completed = stripe.pay(stripe.session, later=True)
    deliver(shop, stripe.arrive(stripe.session))
    deliver(shop, completed)
    assert (Purchase.objects.get().state, balance(buyer)) == ("paid", CREDITS)


@pytest.mark.parametrize("metadata", [{}, None, {"purchase": "somebody else's"}])
def test_a_session_that_is_not_ours_is_accepted_and_ignored(shop, stripe, buyer, metadata):
    """Whoever pays at one of the seller's payment links chooses client_reference_id."""
    stripe.session["metadata"] = metadata
    assert stripe.session["client_reference_id"] == str(Purchase.objects.get().reference)
    assert deliver(shop, stripe.pay(stripe.session)).status_code == 200
    assert balance(buyer) == 0


def test_nothing_is_kept_of_who_paid_for_something_else(shop, stripe):
    stripe.session["metadata"] = {}
    deliver(shop, stripe.pay(stripe.session))
    assert StripeEvent.objects.get().payload == {}


def test_an_event_of_another_kind_is_stored_and_ignored(shop, stripe):
    event = stripe.pay(stripe.session) | {"type": "customer.created"}
    assert deliver(shop, event).status_code == 200
    assert StripeEvent.objects.get().processed_at is not None


# --- Signatures ---


@pytest.mark.parametrize("how", [{"secret": "whsec_other"}, {"age": 301}])
def test_a_bad_or_old_signature_is_refused(shop, stripe, buyer, how):
    assert deliver(shop, stripe.pay(stripe.session), **how).status_code == 400
    assert (balance(buyer), StripeEvent.objects.count()) == (0, 0)


def test_a_tampered_body_is_refused(shop, stripe, buyer):
    body, signature = signed(stripe.pay(stripe.session))
    assert post(shop, body.replace(b"1000", b"9999"), signature).status_code == 400
    assert balance(buyer) == 0


@pytest.mark.parametrize(
    "signature", ["", "t=1", "v1=abc", "t=x,v1=y", "nonsense", "t=1,v1=", "=,=,="]
)
def test_a_malformed_signature_is_refused(shop, stripe, signature):
    assert post(shop, b"{}", signature).status_code == 400


def test_a_new_and_an_old_secret_both_work_while_one_is_replaced(shop, stripe, buyer, settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", WEBHOOK_SECRET]
    assert deliver(shop, stripe.pay(stripe.session)).status_code == 200
    assert balance(buyer) == CREDITS


def test_without_a_webhook_secret_every_delivery_is_refused(shop, stripe, settings):
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert deliver(shop, stripe.pay(stripe.session)).status_code == 400


# --- Refunds and disputes ---


def test_a_full_refund_takes_all_credits_back(shop, stripe, buyer):
    purchase = paid_purchase(shop, stripe)
    deliver(shop, stripe.refund(stripe.session, PRICE))
    purchase.refresh_from_db()
    assert (balance(buyer), purchase.credits_reversed) == (0, CREDITS)


def test_partial_refunds_take_their_share(shop, stripe, buyer):
    paid_purchase(shop, stripe)
    for amount, left in ((250, 75), (333, Decimal("41.7")), (417, 0)):
        deliver(shop, stripe.refund(stripe.session, amount))
        assert balance(buyer) == left


def test_a_refund_delivered_twice_takes_once(shop, stripe, buyer):
    paid_purchase(shop, stripe)
    event = stripe.refund(stripe.session, 250)
    deliver(shop, event)
    deliver(shop, event)
    assert balance(buyer) == 75


def test_a_refund_never_takes_more_than_is_spendable_and_flags_the_account(shop, stripe, buyer):
    purchase = paid_purchase(shop, stripe)
    ledger.settle(ledger.hold(buyer, Decimal(70), "", 90))
    ledger.hold(buyer, Decimal(10), "", 90)
    deliver(shop, stripe.refund(stripe.session, PRICE))
    purchase.refresh_from_db()
    account = Account.objects.get(user=buyer)
    assert (account.balance, account.held) == (10, 10)
    assert (purchase.credits_reversed, purchase.shortfall, account.shortfall) == (20, 80, 80)


def test_a_refund_that_fails_gives_the_credits_back(shop, stripe, buyer):
    paid_purchase(shop, stripe)
    refund = stripe.refund(stripe.session, PRICE)
    deliver(shop, refund)
    deliver(shop, stripe.fail_refund(refund))
    assert balance(buyer) == CREDITS


def test_a_refund_before_its_payment_ends_in_the_same_sums(shop, stripe, buyer):
    payment = stripe.pay(stripe.session)
    deliver(shop, stripe.refund(stripe.session, 250))
    assert balance(buyer) == 0
    deliver(shop, payment)
    assert balance(buyer) == 75


def test_a_dispute_takes_the_credits_and_losing_it_changes_nothing(shop, stripe, buyer):
    paid_purchase(shop, stripe)
    dispute = stripe.dispute(stripe.session, PRICE)
    deliver(shop, dispute)
    assert balance(buyer) == 0
    deliver(shop, stripe.close_dispute(dispute, "lost"))
    assert balance(buyer) == 0


def test_a_dispute_won_gives_the_credits_back(shop, stripe, buyer):
    paid_purchase(shop, stripe)
    dispute = stripe.dispute(stripe.session, PRICE)
    deliver(shop, dispute)
    deliver(shop, stripe.close_dispute(dispute, "won"))
    assert balance(buyer) == CREDITS
    assert Account.objects.get(user=buyer).shortfall == 0


def test_a_dispute_won_forgives_the_shortfall_first(shop, stripe, buyer):
    purchase = paid_purchase(shop, stripe)
    ledger.settle(ledger.hold(buyer, Decimal(70), "", 90))
    dispute = stripe.dispute(stripe.session, PRICE)
    deliver(shop, dispute)
    assert (balance(buyer), Account.objects.get(user=buyer).shortfall) == (0, 70)
    deliver(shop, stripe.close_dispute(dispute, "won"))
    purchase.refresh_from_db()
    assert (balance(buyer), purchase.shortfall, purchase.credits_reversed) == (30, 0, 0)


def test_an_ended_dispute_is_not_reopened_by_a_late_event(shop, stripe, buyer):
    paid_purchase(shop, stripe)
    dispute = stripe.dispute(stripe.session, PRICE)
    deliver(shop, stripe.close_dispute(dispute, "won"))
    deliver(shop, dispute)
    assert balance(buyer) == CREDITS


def test_an_inquiry_without_money_moved_takes_nothing(shop, stripe, buyer):
    paid_purchase(shop, stripe)
    deliver(shop, stripe.dispute(stripe.session, PRICE, "warning_needs_response"))
    assert balance(buyer) == CREDITS


def test_a_refund_and_a_dispute_take_no_more_than_was_bought(shop, stripe, buyer):
    ledger.grant(buyer, Decimal(50), "gift")
    paid_purchase(shop, stripe)
    deliver(shop, stripe.refund(stripe.session, 600))
    deliver(shop, stripe.dispute(stripe.session, PRICE))
    assert balance(buyer) == 50


def test_a_payment_that_is_not_ours_takes_nothing(shop, stripe, buyer):
    paid_purchase(shop, stripe)
    stripe.session["payment_intent"] = "pi_of_another_shop"
    assert deliver(shop, stripe.refund(stripe.session, PRICE)).status_code == 200
    assert balance(buyer) == CREDITS


def test_stripe_down_during_a_look_up_asks_for_another_delivery(shop, stripe, buyer):
    payment = stripe.pay(stripe.session)
    refund = stripe.refund(stripe.session, 250)
    stripe.down = 3
    assert deliver(shop, refund).status_code == 503
    deliver(shop, payment)
    assert deliver(shop, refund).status_code == 200
    assert balance(buyer) == 75


# --- Missed webhooks ---


def test_reconciling_finds_what_was_never_delivered(shop, stripe, buyer):
    stripe.pay(stripe.session)
    stripe.refund(stripe.session, 250)
    since = timezone.now() - timedelta(days=3)
    assert webhooks.reconcile(since) == 2
    assert balance(buyer) == 75
    assert webhooks.reconcile(since) == 0


def test_events_are_looked_through_in_the_order_in_which_they_happened(shop, stripe):
    stripe.pay(stripe.session)
    stripe.refund(stripe.session, PRICE)
    types = [event["type"] for event in stripe.events]
    long_ago = timezone.now() - timedelta(days=1)
    found = stripe_gateway.events_since(long_ago, types)
    assert [event["id"] for event in found] == [event["id"] for event in stripe.events]


def test_a_late_word_of_a_failed_payment_does_not_reopen_it(shop):
    purchase = Purchase.objects.get()
    sales.record_unpaid(purchase, Purchase.State.FAILED)
    for late in (Purchase.State.PENDING, Purchase.State.EXPIRED):
        sales.record_unpaid(purchase, late)
        assert Purchase.objects.get().state == "failed"


def test_reconciling_while_stripe_is_down_changes_nothing(shop, stripe, buyer):
    stripe.pay(stripe.session)
    stripe.down = 3
    with pytest.raises(stripe_gateway.GatewayError):
        webhooks.reconcile(timezone.now() - timedelta(days=3))
    assert balance(buyer) == 0


# --- Pages ---


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (lambda stripe: None, "has not confirmed your payment yet"),
        (lambda stripe: stripe.pay(stripe.session), "100 credits are on your account"),
        (lambda stripe: stripe.pay(stripe.session, later=True), "on its way"),
        (lambda stripe: stripe.bounce(stripe.session), "failed"),
        (lambda stripe: stripe.expire(stripe.session), "not finished"),
    ],
)
def test_the_thanks_page_says_what_is_known(shop, stripe, happens, words):
    event = happens(stripe)
    if event:
        deliver(shop, event)
    page = shop.get(reverse("thanks", args=[Purchase.objects.get().reference]))
    assert words in page.content.decode()


def test_a_receipt_names_seller_buyer_and_sums(shop, stripe, buyer, settings):
    settings.SELLER = ["Cut-outs Ltd", "1 Main Street"]
    purchase = paid_purchase(shop, stripe)
    deliver(shop, stripe.refund(stripe.session, 250))
    page = shop.get(reverse("receipt", args=[purchase.reference])).content.decode()
    for text in ("Cut-outs Ltd", buyer.email, "10.00 EUR", "2.50 EUR", str(purchase.reference)):
        assert text in page


def test_there_is_no_receipt_for_what_was_not_paid(shop):
    page = shop.get(reverse("receipt", args=[Purchase.objects.get().reference]))
    assert page.status_code == 302


@pytest.mark.parametrize("view", ["thanks", "receipt"])
def test_a_purchase_is_shown_to_its_owner_alone(shop, stripe, client, view):
    address = reverse(view, args=[paid_purchase(shop, stripe).reference])
    client.force_login(new_user())
    assert client.get(address).status_code == 404


def test_the_history_lists_own_purchases_only(shop, stripe, client):
    paid_purchase(shop, stripe)
    assert "Hundred" in shop.get(reverse("purchases")).content.decode()
    client.force_login(new_user())
    assert "Hundred" not in client.get(reverse("purchases")).content.decode()


def test_the_calculator_turns_pixels_into_credits_and_pictures(client, pack):
    page = client.get(reverse("pricing"), {"width": 1000, "height": 1000}).content.decode()
    assert "0.100 credits for each picture" in page
    assert "1,000 pictures of this size" in page


@pytest.mark.parametrize("size", ["0", "-1", "x", "1" * 30])
def test_the_calculator_survives_nonsense(client, pack, size):
    assert client.get(reverse("pricing"), {"width": size, "height": size}).status_code == 200


def test_prices_are_shown_in_the_currency_that_was_chosen(client, pack):
    assert "10.00 EUR" in client.get(reverse("pricing")).content.decode()
    page = client.get(reverse("pricing"), {"currency": "jpy"}).content.decode()
    assert "1,500 JPY" in page
    assert "EUR" not in page.replace(">EUR</a>", "")
    assert "This field is required." not in page
    page = client.get(reverse("pricing"), {"width": 640, "height": 480}).content.decode()
    assert 'href="?currency=jpy&amp;width=640&amp;height=480"' in page


def test_the_currency_of_the_pages_language_comes_first(client, pack):
    PackPrice.objects.create(pack=pack, currency="usd", amount=Decimal("11.00"))
    assert "11.00 USD" in client.get("/pricing").content.decode()
    japanese = client.get("/ja/pricing").content.decode()
    assert "1,500 JPY" in japanese
    assert japanese.index("currency=jpy") < japanese.index("currency=eur")


def test_a_pack_says_what_a_picture_of_a_usual_size_costs_in_money(client, pack):
    page = client.get("/pricing", {"currency": "eur"}).content.decode()
    for amount in ("0.010 EUR", "0.066 EUR", "0.13 EUR"):  # of 0.100, 0.660 and 1.250 credits
        assert f'<td class="number">{amount}</td>' in page
    page = client.get("/pricing", {"currency": "jpy"}).content.decode()
    for amount in ("1.5 JPY", "9.9 JPY", "19 JPY"):
        assert f'<td class="number">{amount}</td>' in page


def test_pricing_begins_with_what_is_free_and_without_packs_tells_how_to_get_it(client, settings):
    settings.REMOVAL_ANONYMOUS_PER_HOUR, settings.REMOVAL_SIGNED_IN_PER_HOUR = 17, 53
    page = client.get(reverse("pricing")).content.decode()
    assert "Without an account: 17 pictures an hour at 1.2 megapixels" in page
    assert "With an account: 53 pictures an hour" in page
    assert "No credit packs are for sale" in page
    assert f"{reverse('account_signup')}?next={reverse('pricing')}" in page
