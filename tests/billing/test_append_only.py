"""Ledger rows cannot be changed or deleted, neither through Django nor in SQL, on any database."""

from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from billing.append_only import AppendOnly, drop_triggers
from billing.models import Account, LedgerEntry

from .conftest import new_user


@pytest.fixture
def entry(any_database):
    return LedgerEntry.objects.get(account__user=new_user("10"))


def execute(statement):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_saved_row_cannot_be_saved_again(entry):
    entry.amount = Decimal(99)
    with pytest.raises(AppendOnly):
        entry.save()


def test_a_row_cannot_be_deleted(entry):
    with pytest.raises(AppendOnly):
        entry.delete()


def test_rows_cannot_be_updated_or_deleted_together(entry):
    for change in (lambda rows: rows.update(amount=1), lambda rows: rows.delete()):
        with pytest.raises(AppendOnly):
            change(LedgerEntry.objects.all())


ERASE = {
    "sqlite": ["UPDATE {} SET amount = 99", "DELETE FROM {}"],
    "postgresql": ["UPDATE {} SET amount = 99", "DELETE FROM {}", "TRUNCATE {}"],
}


def test_the_database_itself_refuses(any_database, entry):
    for statement in ERASE[any_database]:
        with pytest.raises(DatabaseError, match="append-only"):
            execute(statement.format("billing_ledgerentry"))
    assert LedgerEntry.objects.get(pk=entry.pk).amount == 10


def test_every_migrate_puts_missing_triggers_back(entry):
    drop_triggers()
    call_command("migrate", verbosity=0)
    with pytest.raises(DatabaseError, match="append-only"):
        execute("DELETE FROM billing_ledgerentry")


@pytest.mark.parametrize(
    "change",
    [{"balance": -1}, {"held": -1}, {"held": Decimal("10.001")}, {"balance": 1, "held": 2}],
)
def test_the_database_refuses_sums_that_cannot_be(entry, change):
    with pytest.raises(DatabaseError), transaction.atomic():
        Account.objects.filter(pk=entry.account_id).update(**change)


def test_the_database_refuses_a_sign_that_does_not_fit_the_kind(entry):
    with pytest.raises(DatabaseError), transaction.atomic():
        LedgerEntry.objects.create(
            account=entry.account, kind="grant", amount=-1, balance_after=9, held_after=0
        )
