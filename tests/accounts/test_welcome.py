"""Signup credits are given once to a mailbox, for ever, however its address is spelled."""

from decimal import Decimal
from importlib import import_module

import pytest
from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from django.apps import apps
from django.core.management import call_command

from accounts import addresses
from accounts.models import DataKey, KnownMailbox, User
from accounts.services import close_account
from billing import ledger
from tests.life import dump

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def credits_for_newcomers(settings):
    settings.SIGNUP_CREDITS = Decimal(5)


def confirmed(email: str) -> User:
    """Somebody who signed up and clicked on the link."""
    user = User.objects.create_user(email)
    confirm(user, email)
    return user


def confirm(user: User, email: str) -> None:
    address = EmailAddress.objects.create(user=user, email=email, verified=True)
    email_confirmed.send(sender=EmailAddress, request=None, email_address=address)


def given(user: User) -> Decimal:
    return ledger.state(user).credits


def test_closing_and_signing_up_again_earns_nothing():
    first = confirmed("alice@example.com")
    assert given(first) == 5
    close_account(first)
    assert given(confirmed("Alice@Example.com")) == 0


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ("alice@example.com", "alice+2@example.com"),
        ("alice+1@example.com", "ALICE+2@EXAMPLE.com"),
        ("al.ice@gmail.com", "alice+x@googlemail.com"),
        ("alice@b\u00fccher.example", "alice@xn--bcher-kva.example"),
    ],
)
def test_another_spelling_of_the_same_mailbox_earns_nothing(first, again):
    assert given(confirmed(first)) == 5
    assert given(confirmed(again)) == 0


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("al.ice@example.com", "alice@example.com"),  # only Google leaves dots out
        ("alice@example.com", "alice@example.org"),
        ("+alice@example.com", "+bob@example.com"),
        ("alice@gmail.com", "alice@example.com"),
    ],
)
def test_other_people_are_given_theirs(first, other):
    assert [given(confirmed(first)), given(confirmed(other))] == [5, 5]


def test_an_address_that_an_account_changed_to_is_known_too():
    user = confirmed("alice@example.com")
    confirm(user, "other@example.com")
    assert given(user) == 5
    close_account(user)
    assert given(confirmed("other@example.com")) == 0


def test_what_is_kept_does_not_name_the_address():
    close_account(confirmed("alice@example.com"))
    (row,) = KnownMailbox.objects.all()
    assert "alice" not in str(dump())
    assert addresses.digest("alice@example.com") == row.digest
    DataKey.objects.all().delete()  # whoever lacks the key can't try addresses
    assert addresses.digest("alice@example.com") != row.digest


def test_changing_secret_key_forgets_nobody(settings):
    close_account(confirmed("alice@example.com"))
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "the new key"
    call_command("reencrypt_secrets")
    settings.SECRET_KEY_FALLBACKS = []
    assert given(confirmed("alice@example.com")) == 0


def test_a_lost_secret_key_stops_nobody_from_signing_up(settings):
    confirmed("alice@example.com")
    settings.SECRET_KEY = "another key"
    assert given(confirmed("bob@example.com")) == 5
    assert given(confirmed("bob+1@example.com")) == 0


def test_without_signup_credits_nothing_is_kept(settings):
    settings.SIGNUP_CREDITS = Decimal(0)
    confirmed("alice@example.com")
    assert not KnownMailbox.objects.exists()
    assert not DataKey.objects.exists()


def test_whoever_was_given_credits_before_addresses_were_kept_is_known():
    """The migration that began to keep them."""
    confirmed("alice@example.com")
    ledger.grant(confirmed("staff-gift@example.com"), Decimal(1), "gift")
    KnownMailbox.objects.all().delete()
    User.objects.create_user("never@example.com")
    migration = import_module("billing.migrations.0009_known_mailboxes")
    migration.remember_whom_credits_were_given(apps, None)
    assert KnownMailbox.objects.count() == 2
    close_account(User.objects.get(email="alice@example.com"))
    assert given(confirmed("alice@example.com")) == 0
