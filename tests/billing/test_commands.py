"""The operator's commands for money."""

import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from billing import ledger
from billing.models import Account, Hold, LedgerEntry


def run(*arguments):
    stdout = io.StringIO()
    call_command(*arguments, stdout=stdout, stderr=io.StringIO())
    return stdout.getvalue()


def test_credits_are_granted_with_a_reason(user):
    assert "balance 22.500" in run("grant_credits", user.email, "12.5", "--reason", "thanks")
    assert LedgerEntry.objects.first().reason == "thanks"


def test_the_address_is_taken_in_any_case(user):
    run("grant_credits", user.email.upper(), "1", "--reason", "thanks")
    assert Account.objects.get().balance == 11


@pytest.mark.parametrize("amount", ["0", "-5", "0.0001", "many", "NaN"])
def test_what_is_no_amount_is_refused(user, amount):
    with pytest.raises(CommandError):
        run("grant_credits", user.email, "--reason", "thanks", "--", amount)
    assert Account.objects.get().balance == 10


def test_nobody_is_given_credits_without_a_reason(user):
    with pytest.raises(CommandError, match="reason"):
        run("grant_credits", user.email, "1")


def test_an_unknown_address_says_how_to_make_the_account(db):
    with pytest.raises(CommandError, match=r"issue_api_key nobody@example\.com"):
        run("grant_credits", "nobody@example.com", "1", "--reason", "thanks")


def test_right_books_are_reported_as_right(user):
    assert "The ledger is right: 1 entries of 1 accounts." in run("audit_ledger")


@pytest.mark.parametrize(
    "change",
    [
        lambda: Account.objects.update(balance=11),
        lambda: Account.objects.update(held=0),
        lambda: Hold.objects.update(state="released"),
        lambda: Hold.objects.update(amount=2),
    ],
)
def test_wrong_books_are_found(user, change):
    ledger.hold(user, Decimal(1), "", 90)
    change()
    with pytest.raises(CommandError, match="fault"):
        run("audit_ledger")


def test_what_dead_processes_left_is_ended(user):
    ledger.hold(user, Decimal(1), "", -1)
    ledger.settle(ledger.hold(user, Decimal(1), "", 90))
    Hold.objects.filter(state="settled").update(settled_at=timezone.now() - timedelta(hours=1))
    assert run("release_stale_holds") == "Released 1 stale holds, refunded 1 settlements.\n"
    assert (Account.objects.get().balance, Account.objects.get().held) == (10, 0)


def test_reconciling_needs_a_key(db, settings):
    settings.STRIPE_SECRET_KEY = ""
    with pytest.raises(CommandError, match="STRIPE_SECRET_KEY"):
        run("reconcile_stripe")


def test_reconciling_says_that_stripe_cannot_be_asked(db, settings):
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_x", "http://127.0.0.1:1"
    with pytest.raises(CommandError, match="could not be asked"):
        run("reconcile_stripe", "--days", "1")
