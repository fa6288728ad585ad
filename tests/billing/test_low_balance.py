"""Owners are told of a low balance once each time it falls below what they chose."""

from decimal import Decimal

import pytest
from django.core import mail
from django.urls import reverse

from billing import ledger, low_balance
from billing.models import Account


@pytest.fixture
def watched(user):
    """Ten credits, and to be told below eight."""
    ledger.set_low_balance_threshold(user, Decimal(8))
    return user


def spend(user, amount):
    ledger.settle(ledger.hold(user, Decimal(amount), "", 90))


def test_nothing_is_sent_while_there_is_enough(watched):
    spend(watched, 2)
    assert low_balance.send_mails() == 0


def test_a_balance_below_the_threshold_is_told_once(watched):
    spend(watched, "2.001")
    assert [low_balance.send_mails() for _ in range(2)] == [1, 0]
    assert mail.outbox[0].to == [watched.email]
    assert "7.999 credits" in mail.outbox[0].body


def test_it_is_told_again_after_a_recovery(watched):
    spend(watched, 3)
    low_balance.send_mails()
    ledger.grant(watched, Decimal(5), "gift")
    low_balance.send_mails()
    spend(watched, 5)
    assert low_balance.send_mails() == 1


def test_nobody_is_told_who_did_not_ask(user):
    spend(user, 10)
    assert low_balance.send_mails() == 0


def test_the_mail_is_in_the_owners_language(watched):
    watched.language = "ja"
    watched.save()
    spend(watched, 3)
    low_balance.send_mails()
    assert "クレジット" in mail.outbox[0].subject


def test_a_mail_that_cannot_be_sent_is_tried_again(watched, settings):
    spend(watched, 3)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert low_balance.send_mails() == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert low_balance.send_mails() == 1


def test_closed_accounts_are_left_in_peace(watched):
    spend(watched, 3)
    watched.delete()
    assert low_balance.send_mails() == 0


@pytest.mark.parametrize(
    ("text", "stored"), [("5.5", Decimal("5.5")), ("", None), ("-1", Decimal(8)), ("x", Decimal(8))]
)
def test_the_owner_chooses_the_threshold(client, watched, text, stored):
    client.force_login(watched)
    client.post(reverse("low_balance"), {"threshold": text})
    assert Account.objects.get().low_balance_threshold == stored
    assert client.get(reverse("dashboard")).status_code == 200
