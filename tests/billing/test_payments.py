"""Payments that give nobody credits: other than ordered, or for an account that is closed."""

import logging
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import close_account
from billing import checkouts, sales, stripe_gateway
from billing.audit import audit
from billing.models import LedgerEntry, Purchase

from .shop import CREDITS, PRICE, balance, buy, deliver


@pytest.fixture(autouse=True)
def books_are_right_afterwards(db):
    yield
    assert list(audit()) == []


@pytest.fixture
def boss(shop):
    """A superuser, in the buyer's browser."""
    shop.force_login(User.objects.create_superuser("boss@example.com"))
    return shop


def purchase():
    return Purchase.objects.get()


def press(browser, name):
    address = reverse(f"admin:billing_{name}", args=[purchase().pk])
    return browser.post(address, follow=True).content.decode()


def listed(browser):
    return browser.get(reverse("admin:billing_purchase_changelist")).content.decode()


# --- Compared with what was ordered ---


@pytest.mark.parametrize(
    "otherwise",
    [
        {"currency": "jpy"},
        {"amount_total": PRICE - 1},
        {"amount_total": 1, "amount_subtotal": 1},
        {"amount_subtotal": 2 * PRICE, "amount_total": 2 * PRICE},
        {"livemode": True},
        {"payment_status": "no_payment_required", "amount_total": 0},
    ],
)
def test_a_payment_other_than_ordered_gives_no_credits_and_is_flagged(
    shop, stripe, buyer, otherwise, caplog
):
    event = stripe.pay(stripe.session)
    event["data"]["object"] |= otherwise
    assert deliver(shop, event).status_code == 200
    assert (purchase().state, purchase().problem, balance(buyer)) == ("uncredited", "mismatch", 0)
    assert any(line.levelno == logging.ERROR for line in caplog.records)
    page = shop.get(reverse("thanks", args=[purchase().reference])).content.decode()
    assert "does not match the order" in page


def details(**amounts):
    return {"amount_discount": 0, "amount_tax": 0, "amount_shipping": 0} | amounts


@pytest.mark.parametrize(
    "allowed",
    [
        {"amount_total": PRICE + 190, "total_details": details(amount_tax=190)},
        {"amount_total": PRICE - 200, "total_details": details(amount_discount=200)},
        {
            "amount_total": 0,
            "total_details": details(amount_discount=PRICE),
            "payment_status": "no_payment_required",
        },
        {"currency": None, "amount_total": None, "amount_subtotal": None},
    ],
)
def test_taxes_discounts_and_what_stripe_does_not_say_are_no_difference(
    shop, stripe, buyer, allowed
):
    event = stripe.pay(stripe.session)
    event["data"]["object"] |= allowed
    deliver(shop, event)
    assert (purchase().state, balance(buyer)) == ("paid", CREDITS)


def test_refunds_count_by_the_price_where_stripe_did_not_say_what_was_paid(shop, stripe, buyer):
    event = stripe.pay(stripe.session)
    event["data"]["object"]["amount_total"] = None
    deliver(shop, event)
    deliver(shop, stripe.refund(stripe.session, PRICE))
    assert balance(buyer) == 0


def test_tests_cards_buy_nothing_where_the_key_moves_real_money(shop, stripe, buyer, settings):
    """A page that was opened with the test key, and is paid after the live key was set."""
    event = stripe.pay(stripe.session)
    settings.STRIPE_SECRET_KEY = "sk_live_x"
    deliver(shop, event)
    assert balance(buyer) == 0


def test_a_second_payment_of_one_purchase_gives_nothing_and_is_told(shop, stripe, buyer, caplog):
    deliver(shop, stripe.pay(stripe.session))
    again = stripe.pay(stripe.session)
    again["data"]["object"]["id"] = "cs_test_another"
    deliver(shop, again)
    assert balance(buyer) == CREDITS
    assert "was paid again" in caplog.text


def test_staff_gives_the_credits_all_the_same(boss, stripe, buyer):
    event = stripe.pay(stripe.session)
    event["data"]["object"]["amount_subtotal"] = PRICE - 1
    deliver(boss, event)
    assert "paid other than ordered" in listed(boss)
    press(boss, "accept")
    assert (purchase().state, purchase().problem, balance(buyer)) == ("paid", "", CREDITS)
    press(boss, "accept")
    press(boss, "return")
    assert balance(buyer) == CREDITS


# --- After the account was closed ---


@pytest.fixture
def paid_too_late(boss, stripe, buyer):
    event = stripe.pay(stripe.session, later=True)
    close_account(buyer)
    deliver(boss, event)
    deliver(boss, stripe.arrive(stripe.session))
    return boss


def test_it_is_flagged_to_staff_and_gives_nobody_credits(paid_too_late, stripe):
    assert (purchase().state, purchase().problem) == ("uncredited", "closed")
    assert not LedgerEntry.objects.exists()
    page = listed(paid_too_late)
    assert "paid after the account was closed" in page
    assert reverse("admin:billing_return", args=[purchase().pk]) in page
    assert reverse("admin:billing_accept", args=[purchase().pk]) not in page


def test_one_click_refunds_it(paid_too_late, stripe):
    press(paid_too_late, "return")
    assert ("POST", "/v1/refunds") in stripe.requests
    assert purchase().state == "returned"
    assert purchase().amount_reversed == PRICE
    assert reverse("admin:billing_return", args=[purchase().pk]) not in listed(paid_too_late)


def test_two_clicks_refund_it_once(paid_too_late, stripe):
    first = Purchase.objects.get()
    stripe_gateway.refund(first)
    stripe_gateway.refund(first)
    press(paid_too_late, "return")
    deliver(paid_too_late, stripe.events[-1])
    assert (purchase().state, purchase().reversals.count()) == ("returned", 1)


def test_a_refund_that_fails_flags_it_again(paid_too_late, stripe):
    press(paid_too_late, "return")
    deliver(paid_too_late, stripe.fail_refund(stripe.events[-1]))
    assert purchase().state == "uncredited"
    assert "paid after" in listed(paid_too_late)
    press(paid_too_late, "return")  # another refund, not word of the one that failed
    assert purchase().state == "returned"


def test_stripe_down_leaves_it_flagged_and_says_so(paid_too_late, stripe):
    stripe.down = 3
    assert "APIConnectionError" in press(paid_too_late, "return")
    assert purchase().state == "uncredited"


def test_support_sees_it_and_moves_no_money(paid_too_late, stripe):
    support = User.objects.create_user("support@example.com", is_staff=True)
    support.groups.add(Group.objects.get(name="Support"))
    paid_too_late.force_login(support)
    page = listed(paid_too_late)
    assert "paid after" in page
    assert reverse("admin:billing_return", args=[purchase().pk]) not in page
    address = reverse("admin:billing_return", args=[purchase().pk])
    assert paid_too_late.post(address).status_code == 403
    assert ("POST", "/v1/refunds") not in stripe.requests


def test_following_the_link_moves_no_money(paid_too_late, stripe):
    address = reverse("admin:billing_return", args=[purchase().pk])
    assert paid_too_late.get(address).status_code == 403


def test_monitoring_sees_it(paid_too_late, settings):
    settings.METRICS_TOKEN = "m"
    page = paid_too_late.get("/metrics", headers={"Authorization": "Bearer m"}).content.decode()
    assert "billing_payments_without_credits 1.0" in page


# --- Payment pages of closed accounts ---


def test_closing_ends_the_open_payment_pages(
    shop, stripe, buyer, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        close_account(buyer)
    assert stripe.session["status"] == "expired"
    assert purchase().state == "expired"


def test_what_has_been_paid_is_left_alone(shop, stripe, buyer, django_capture_on_commit_callbacks):
    event = stripe.pay(stripe.session)
    with django_capture_on_commit_callbacks(execute=True):
        close_account(buyer)
    assert stripe.session["status"] == "complete"
    deliver(shop, event)
    assert purchase().problem == "closed"


def test_stripe_down_keeps_nobody_from_closing_and_is_made_up_for(
    shop, stripe, buyer, django_capture_on_commit_callbacks
):
    stripe.down = 3
    with django_capture_on_commit_callbacks(execute=True):
        close_account(buyer)
    assert not User.objects.filter(pk=buyer.pk).exists()
    assert stripe.session["status"] == "open"
    assert checkouts.expire_of_closed_accounts() == 1
    assert stripe.session["status"] == "expired"
    assert checkouts.expire_of_closed_accounts() == 0


def test_a_page_that_was_paid_keeps_none_from_being_closed(
    shop, stripe, buyer, django_capture_on_commit_callbacks
):
    first = stripe.session
    Purchase.objects.update(created_at=timezone.now() - timedelta(hours=20))
    buy(shop, "eur")
    stripe.pay(stripe.session)
    with django_capture_on_commit_callbacks(execute=True):
        close_account(buyer)
    assert first["status"] == "expired"


def test_no_page_is_tried_after_one_for_which_stripe_is_down(
    shop, stripe, buyer, django_capture_on_commit_callbacks
):
    buy(shop, "eur")
    stripe.down = 1 + stripe_gateway.RETRIES
    with django_capture_on_commit_callbacks(execute=True):
        close_account(buyer)
    assert [session["status"] for session in stripe.sessions.values()] == ["open", "open"]


# --- How often ---


def test_purchases_are_begun_so_often_in_an_hour(shop, stripe, buyer, monkeypatch):
    for _ in range(sales.PURCHASES_PER_HOUR - 1):
        assert buy(shop, "eur").status_code == 200
    sessions = len(stripe.sessions)
    refused = buy(shop, "eur")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert (len(stripe.sessions), Purchase.objects.count()) == (sessions, sessions)
    Purchase.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert buy(shop, "eur").status_code == 200


def test_what_was_never_paid_is_deleted_in_the_end(shop, stripe, buyer):
    deliver(shop, stripe.pay(stripe.session))
    kept = purchase()
    for happens in (stripe.expire, lambda session: stripe.pay(session, later=True)):
        buy(shop, "eur")
        deliver(shop, happens(stripe.session))
    assert sales.forget_abandoned() == 0
    Purchase.objects.update(created_at=timezone.now() - timedelta(days=91))
    assert sales.forget_abandoned() == 1
    assert set(Purchase.objects.values_list("state", flat=True)) == {kept.state, "pending"}
