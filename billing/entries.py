"""Writes ledger rows: exact arithmetic behind a row lock. The kinds of rows are in billing.ledger.

How it stays exact. Each function locks the account's row first, reads what it needs behind that
lock, then writes the ledger row and the new sums together. On PostgreSQL the lock is
SELECT ... FOR UPDATE, which under READ COMMITTED also rereads the row; on SQLite it is the write
lock that BEGIN IMMEDIATE takes. Arithmetic happens here, in Decimal, never in SQL: SQLite would
add binary fractions. CHECK constraints stand behind all of it.
"""

import sqlite3
from collections.abc import Callable
from decimal import Decimal
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import OperationalError, transaction

from .errors import InvalidAmount
from .models import ZERO, Account, LedgerEntry

Kind = LedgerEntry.Kind
MAX_BALANCE = Decimal("999999999.999")
ATTEMPTS = 3
TRANSIENT_SQLSTATES = {"40001", "40P01", "55P03"}  # serialization, deadlock, lock not available

P = ParamSpec("P")
R = TypeVar("R")


def exact(function: Callable[P, R]) -> Callable[P, R]:
    """Run in one transaction; retry if the database was busy, but not if the commit may have
    succeeded, and not inside an outer transaction."""

    @wraps(function)
    def transactional(*args: P.args, **kwargs: P.kwargs) -> R:
        attempts = 1 if transaction.get_connection().in_atomic_block else ATTEMPTS
        while True:
            attempts -= 1
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except OperationalError as error:
                if not attempts or not _is_transient(error):
                    raise

    return transactional


def lock(account_id: int) -> Account:
    """The account's row, locked until the transaction ends; read everything else after this."""
    return Account.objects.select_for_update().get(pk=account_id)


def write(account: Account, kind: Kind, **columns: Any) -> LedgerEntry:
    """Write one ledger row and the account's new sums; the account must be locked.

    If the entry makes credits spendable, an open shortfall is deducted from them first.
    """
    account.balance += columns.get("amount", ZERO)
    account.held += columns.get("held_amount", ZERO)
    if account.balance > MAX_BALANCE:
        raise InvalidAmount(f"A balance cannot exceed {MAX_BALANCE} credits.")
    account.save(update_fields=["balance", "held"])
    hold = columns.get("hold")
    entry = LedgerEntry.objects.create(
        account=account,
        kind=kind,
        balance_after=account.balance,
        held_after=account.held,
        request_id=hold.request_id if hold else "",
        **columns,
    )
    if kind != Kind.REVERSE:
        collect_shortfall(account)
    return entry


def collect_shortfall(account: Account) -> None:
    """Deduct spendable credits for reversed payments whose credits were already spent or held,
    oldest first. The account must be locked."""
    if not account.shortfall or not account.spendable:
        return
    for purchase in account.purchases.filter(shortfall__gt=0).order_by("pk"):
        taken = min(purchase.shortfall, account.spendable)
        if not taken:
            return
        account.shortfall -= taken
        account.save(update_fields=["shortfall"])
        purchase.shortfall -= taken
        purchase.credits_reversed += taken
        purchase.save(update_fields=["shortfall", "credits_reversed"])
        write(account, Kind.REVERSE, amount=-taken, purchase=purchase, reason="Shortfall")


def _is_transient(error: OperationalError) -> bool:
    cause = error.__cause__
    if isinstance(cause, sqlite3.OperationalError):
        return cause.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return getattr(cause, "sqlstate", None) in TRANSIENT_SQLSTATES
