"""Checks every account and every hold against its ledger rows."""

from collections.abc import Iterator
from decimal import Decimal

from django.db import transaction

from .models import ZERO, Account, AuditRun, Hold, LedgerEntry, Purchase

RUNS_KEPT = 100


def audit() -> Iterator[str]:
    """One sentence for each difference; none if the books are right."""
    for account_id in Account.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():  # so that running requests can't look like differences
            account = Account.objects.select_for_update().get(pk=account_id)
            yield from (f"account {account_id}: {fault}" for fault in _faults(account))


def recorded() -> Iterator[str]:
    """As `audit`; what came of it is shown in the admin."""
    number = 0
    for fault in audit():
        number += 1
        yield fault
    newest = AuditRun.objects.create(faults=number)
    AuditRun.objects.filter(pk__lte=newest.pk - RUNS_KEPT).delete()


def _faults(account: Account) -> list[str]:
    balance, held, faults = ZERO, ZERO, []
    per_hold: dict[int, tuple[Decimal, Decimal]] = {}
    for entry in LedgerEntry.objects.filter(account=account).order_by("pk").iterator():
        balance += entry.amount
        held += entry.held_amount
        if (entry.balance_after, entry.held_after) != (balance, held):
            faults.append(f"entry {entry.pk} does not follow from the entries before it")
            balance, held = entry.balance_after, entry.held_after
        if entry.hold_id is not None:
            charged, reserved = per_hold.get(entry.hold_id, (ZERO, ZERO))
            per_hold[entry.hold_id] = charged - entry.amount, reserved + entry.held_amount
    if (account.balance, account.held) != (balance, held):
        faults.append(
            f"balance {account.balance} and held {account.held}, "
            f"but its entries add up to {balance} and {held}"
        )
    return [*faults, *_hold_faults(account, per_hold), *_purchase_faults(account)]


def _hold_faults(account: Account, per_hold: dict[int, tuple[Decimal, Decimal]]) -> Iterator[str]:
    for hold in Hold.objects.filter(account=account).iterator():
        expected = (
            hold.amount if hold.state in Hold.CHARGED else ZERO,
            hold.amount if hold.state == Hold.State.OPEN else ZERO,
        )
        if per_hold.pop(hold.pk, (ZERO, ZERO)) != expected:
            yield f"hold {hold.pk} is {hold.state}, which its entries do not say"
    for stray in per_hold:
        yield f"hold {stray} belongs to another account than its entries"


def _purchase_faults(account: Account) -> Iterator[str]:
    shortfall = ZERO
    for purchase in account.purchases.all():
        shortfall += purchase.shortfall
        entries = sum((entry.amount for entry in purchase.entries.all()), ZERO)
        paid = purchase.state == Purchase.State.PAID
        if entries != (purchase.credits - purchase.credits_reversed if paid else ZERO):
            yield f"purchase {purchase.pk} is {purchase.state}, which its entries do not say"
    if shortfall != account.shortfall:
        yield f"shortfall {account.shortfall}, but its purchases lack {shortfall}"
