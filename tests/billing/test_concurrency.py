"""Many at once: the same credit is never spent twice, on SQLite and on PostgreSQL."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

from billing import ledger, webhooks
from billing.audit import audit
from billing.errors import BillingError
from billing.models import Account, Hold, LedgerEntry, Purchase
from billing.stripe_objects import Event

from .conftest import new_user

THREADS = 8


def at_once(action: Callable[[], Any], times: int = THREADS) -> list[Any]:
    """Results or errors of billing, all threads having started before the first goes on."""
    barrier = threading.Barrier(times)

    def run(_: int) -> Any:
        try:
            barrier.wait()
            return action()
        except BillingError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def succeeded(results: list[Any]) -> int:
    return sum(not isinstance(result, BillingError) for result in results)


def test_parallel_holds_cannot_take_the_same_credit(any_database):
    user = new_user("3")
    results = at_once(lambda: ledger.hold(user, Decimal(1), "", 90))
    assert succeeded(results) == 3
    assert Account.objects.get(user=user).held == 3


def test_parallel_settlements_charge_a_hold_once(any_database):
    user = new_user("3")
    hold = ledger.hold(user, Decimal(1), "", 90)
    assert succeeded(at_once(lambda: ledger.settle(Hold.objects.get(pk=hold.pk)))) == 1
    assert Account.objects.get(user=user).balance == 2


def test_settle_and_release_at_once_end_in_exactly_one_of_both(any_database):
    for _ in range(5):
        user = new_user("3")
        hold = ledger.hold(user, Decimal(1), "", 90)
        actions = iter([ledger.settle, ledger.release] * (THREADS // 2))
        results = at_once(lambda: next(actions)(Hold.objects.get(pk=hold.pk)))  # noqa: B023
        settled = sum(isinstance(result, LedgerEntry) for result in results)
        account = Account.objects.get(user=user)
        assert (account.balance, account.held) == (3 - settled, 0)


def test_delivery_and_refund_at_once_leave_right_books(any_database):
    user = new_user("3")
    hold = ledger.hold(user, Decimal(1), "", 90)
    ledger.settle(hold)
    later = timezone.now() + timedelta(days=1)
    actions = iter(
        [lambda: ledger.mark_delivered(hold), lambda: ledger.refund_undelivered(now=later)] * 4
    )
    at_once(lambda: next(actions)())
    assert (Hold.objects.get(pk=hold.pk).state, Account.objects.get(user=user).balance) == (
        "delivered",
        2,
    )


def test_parallel_first_grants_make_one_account(any_database):
    user = new_user()
    assert succeeded(at_once(lambda: ledger.grant(user, Decimal("0.1"), ""))) == THREADS
    assert Account.objects.get(user=user).balance == Decimal("0.8")


def test_parallel_deliveries_of_one_event_grant_once(any_database):
    user = new_user()
    account = ledger.account_for(user)
    purchase = Purchase.objects.create(
        account=account, pack_name="Hundred", credits=100, validity_days=1, currency="eur", amount=1
    )
    session = {
        "id": f"cs_{user.pk}",
        "metadata": {"purchase": str(purchase.reference)},
        "payment_status": "paid",
        "amount_total": 1,
    }
    event = Event(f"evt_{user.pk}", "checkout.session.completed", timezone.now(), session)
    at_once(lambda: webhooks.receive(event))
    assert Account.objects.get(user=user).balance == 100


def test_the_books_are_right_afterwards(any_database):
    assert list(audit()) == []
