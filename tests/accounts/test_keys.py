"""API keys: issued once, checked in constant time, revoked for good."""

import hashlib
import hmac
import re
from datetime import timedelta
from importlib import import_module

import pytest
import time_machine
from django.apps import apps
from django.db import connection
from django.utils import timezone
from django.utils.crypto import salted_hmac
from standardwebhooks import Webhook

from accounts import services, webhook_secrets
from accounts.errors import AccountSuspended, KeyRevoked, UnknownKey, WrongSecret
from accounts.models import ApiKey, WebhookSecret


@pytest.fixture
def issued(alice):
    return services.issue_api_key(alice, "laptop")


def test_the_right_secret_gives_the_key_and_its_owner(alice, issued):
    key, secret = issued
    found = services.authenticate_key(key.public_id, secret)
    assert (found, found.user) == (key, alice)


def test_an_id_has_no_colon_and_a_secret_is_long_and_url_safe(issued):
    key, secret = issued
    assert re.fullmatch(r"[a-z0-9]+", key.public_id)
    assert re.fullmatch(r"[A-Za-z0-9_-]{24,}", secret)


def test_two_keys_share_neither_id_nor_secret(alice, issued):
    other, other_secret = services.issue_api_key(alice)
    assert other.public_id != issued[0].public_id
    assert other_secret != issued[1]


def test_the_database_holds_a_hash_and_never_the_secret(issued):
    secret = issued[1]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_apikey")
        row = [str(value) for value in cursor.fetchone()]
    assert not any(secret in value for value in row)
    assert hashlib.sha256(secret.encode()).hexdigest() in row


def test_the_stored_hash_does_not_work_as_a_secret(issued):
    with pytest.raises(WrongSecret):
        services.authenticate_key(issued[0].public_id, issued[0].secret_hash)


@pytest.mark.parametrize("public_id", ["", "pxnobody", "px\x00", "PX", "x" * 5000, "ü", "a b"])
def test_an_unknown_id_is_1001(alice, public_id):
    with pytest.raises(UnknownKey) as refused:
        services.authenticate_key(public_id, "secret")
    assert (refused.value.status, refused.value.code) == (401, 1001)


@pytest.mark.parametrize("secret", ["", "wrong", "ü", "\udcff", "\x00", "x" * 100_000])
def test_a_wrong_secret_is_1004(issued, secret):
    with pytest.raises(WrongSecret) as refused:
        services.authenticate_key(issued[0].public_id, secret)
    assert refused.value.code == 1004


def test_another_keys_secret_is_wrong(alice, issued):
    other, _ = services.issue_api_key(alice)
    with pytest.raises(WrongSecret):
        services.authenticate_key(other.public_id, issued[1])


def test_a_revoked_key_is_1002(issued):
    services.revoke(issued[0])
    with pytest.raises(KeyRevoked) as refused:
        services.authenticate_key(issued[0].public_id, issued[1])
    assert refused.value.code == 1002


def test_revoking_twice_keeps_the_first_time(issued):
    services.revoke(issued[0])
    first = issued[0].revoked_at
    services.revoke(issued[0])
    assert issued[0].revoked_at == first


def test_a_suspended_account_is_1003_until_it_is_reinstated(alice, issued):
    services.suspend(alice)
    with pytest.raises(AccountSuspended) as refused:
        services.authenticate_key(issued[0].public_id, issued[1])
    assert refused.value.code == 1003
    services.reinstate(alice)
    assert services.authenticate_key(issued[0].public_id, issued[1])


def test_an_inactive_account_is_1003(alice, issued):
    alice.is_active = False
    alice.save()
    with pytest.raises(AccountSuspended):
        services.authenticate_key(issued[0].public_id, issued[1])


@pytest.mark.parametrize("end", [services.revoke, lambda key: services.suspend(key.user)])
def test_a_wrong_secret_does_not_learn_the_state_of_a_key(issued, end):
    end(issued[0])
    with pytest.raises(WrongSecret):
        services.authenticate_key(issued[0].public_id, "wrong")


def test_a_revoked_key_of_a_suspended_account_says_revoked(alice, issued):
    services.revoke(issued[0])
    services.suspend(alice)
    with pytest.raises(KeyRevoked):
        services.authenticate_key(issued[0].public_id, issued[1])


def test_secrets_are_compared_in_constant_time(issued, monkeypatch):
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((a, b)) or real(a, b))
    services.authenticate_key(issued[0].public_id, issued[1])
    assert compared == [(issued[0].secret_hash, issued[0].secret_hash)]


def test_first_use_is_noted(issued):
    before = timezone.now()
    services.authenticate_key(issued[0].public_id, issued[1])
    assert ApiKey.objects.get().last_used_at >= before


def test_use_within_a_minute_writes_nothing(issued, django_assert_num_queries):
    services.authenticate_key(issued[0].public_id, issued[1])
    with django_assert_num_queries(1):
        services.authenticate_key(issued[0].public_id, issued[1])


def test_use_after_a_minute_is_noted_again(issued):
    old = timezone.now() - timedelta(minutes=1, seconds=1)
    ApiKey.objects.update(last_used_at=old)
    services.authenticate_key(issued[0].public_id, issued[1])
    assert ApiKey.objects.get().last_used_at > old + timedelta(minutes=1)


def test_a_refused_attempt_is_not_a_use(issued):
    with pytest.raises(WrongSecret):
        services.authenticate_key(issued[0].public_id, "wrong")
    assert ApiKey.objects.get().last_used_at is None


def test_a_key_dies_with_its_account(alice, issued):
    alice.delete()
    with pytest.raises(UnknownKey):
        services.authenticate_key(issued[0].public_id, issued[1])


def test_production_keys_keep_the_secret_that_the_account_had(alice):
    """The migration that gave each key a webhook secret: receivers know the former one."""
    production, testing, revoked = (
        services.issue_api_key(alice, test_only=test_only)[0] for test_only in (False, True, False)
    )
    services.revoke(revoked)
    WebhookSecret.objects.all().delete()
    migration = import_module("accounts.migrations.0003_webhook_secrets")
    migration.keep_the_accounts_secret(apps, None)
    former = salted_hmac("removal.webhooks", str(alice.pk), algorithm="sha256").hexdigest()
    assert webhook_secrets.signing(production) == ["whsec_" + former]
    new, old = webhook_secrets.signing(testing)
    assert old == "whsec_" + former
    assert new != old
    with time_machine.travel(timezone.now() + timedelta(days=31), tick=False):
        assert webhook_secrets.signing(testing) == [new]
    assert not webhook_secrets.signing(revoked)
    Webhook("whsec_" + former)  # the libraries can read it
