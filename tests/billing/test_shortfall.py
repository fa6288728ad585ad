"""Credits whose payment was taken back: what was held or spent is taken as soon as it can be."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing import ledger
from billing.audit import audit
from billing.errors import NotEnough
from billing.models import Account, LedgerEntry, Purchase

from .shop import CREDITS, PRICE, balance, buy, deliver, paid_purchase


@pytest.fixture(autouse=True)
def books_are_right_afterwards(db):
    yield
    assert list(audit()) == []


def hold(buyer, amount):
    return ledger.hold(buyer, Decimal(amount), "", 90)


def account(buyer):
    return Account.objects.get(user=buyer)


def refunded_while_held(shop, stripe, buyer, amount=40):
    paid_purchase(shop, stripe)
    held = hold(buyer, amount)
    deliver(shop, stripe.refund(stripe.session, PRICE))
    return held


def test_credits_on_hold_do_not_escape_when_they_are_released(shop, stripe, buyer):
    held = refunded_while_held(shop, stripe, buyer)
    assert (account(buyer).balance, account(buyer).shortfall) == (40, 40)
    ledger.release(held)
    assert (account(buyer).balance, account(buyer).shortfall) == (0, 0)
    assert Purchase.objects.get().credits_reversed == CREDITS


def test_nor_when_the_hold_runs_out(shop, stripe, buyer):
    refunded_while_held(shop, stripe, buyer)
    ledger.release_stale(timezone.now() + timedelta(hours=1))
    assert (account(buyer).spendable, account(buyer).shortfall) == (0, 0)


def test_nor_when_the_result_was_never_sent_or_staff_gives_it_back(shop, stripe, buyer):
    first = refunded_while_held(shop, stripe, buyer)
    ledger.settle(first)
    assert (account(buyer).balance, account(buyer).shortfall) == (0, 40)
    ledger.refund(first, "sorry")
    assert (account(buyer).spendable, account(buyer).shortfall) == (0, 0)


def test_what_was_spent_is_taken_from_the_next_purchase(shop, stripe, buyer):
    ledger.settle(refunded_while_held(shop, stripe, buyer))
    buy(shop, "eur")
    deliver(shop, stripe.pay(stripe.session))
    assert (balance(buyer), account(buyer).shortfall) == (CREDITS - 40, 0)
    assert LedgerEntry.objects.first().reason == "Shortfall"


def test_a_purchase_smaller_than_the_shortfall_goes_into_it_whole(shop, stripe, buyer):
    ledger.grant(buyer, Decimal("0.5"), "gift")
    ledger.settle(refunded_while_held(shop, stripe, buyer, "100.5"))
    ledger.grant(buyer, Decimal(30), "gift")
    assert (balance(buyer), account(buyer).shortfall) == (0, 70)
    with pytest.raises(NotEnough):
        hold(buyer, 1)


def test_the_oldest_purchase_is_made_up_for_first(shop, stripe, buyer):
    old = stripe.session
    deliver(shop, stripe.pay(old))
    buy(shop, "eur")
    deliver(shop, stripe.pay(stripe.session))
    hold(buyer, 2 * CREDITS - 60)
    held = hold(buyer, 60)
    for session in (stripe.session, old):
        deliver(shop, stripe.refund(session, PRICE))
    ledger.release(held)
    shortfalls = Purchase.objects.order_by("pk").values_list("shortfall", flat=True)
    assert list(shortfalls) == [CREDITS - 60, CREDITS]


def test_a_dispute_won_after_that_gives_all_of_it_back(shop, stripe, buyer):
    paid_purchase(shop, stripe)
    session = stripe.session
    ledger.settle(hold(buyer, 70))
    dispute = stripe.dispute(session, PRICE)
    deliver(shop, dispute)
    buy(shop, "eur")
    deliver(shop, stripe.pay(stripe.session))
    assert balance(buyer) == 30
    deliver(shop, stripe.close_dispute(dispute, "won"))
    assert (balance(buyer), account(buyer).shortfall) == (130, 0)


def test_a_shortfall_from_before_is_taken_when_credits_are_asked_for(shop, stripe, buyer):
    """Of an account that had both before shortfalls were taken by themselves."""
    purchase = paid_purchase(shop, stripe)
    Purchase.objects.filter(pk=purchase.pk).update(shortfall=60)
    Account.objects.filter(user=buyer).update(shortfall=60)
    with pytest.raises(NotEnough):
        hold(buyer, 50)
    hold(buyer, 40)
