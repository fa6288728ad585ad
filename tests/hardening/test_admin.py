"""ADMIN_REQUIRE_MFA: no admin for a session that has not shown a second factor."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.life import code

pytestmark = pytest.mark.django_db(transaction=True)  # what follows a commit happens
PASSWORD = "correct horse battery"


@pytest.fixture
def pages():
    return [reverse("admin:index"), reverse("admin:accounts_user_changelist"), "/ja/admin/"]


@pytest.fixture
def boss(settings) -> User:
    cache.clear()
    settings.ADMIN_REQUIRE_MFA = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return User.objects.create_superuser("boss@example.com", PASSWORD)


def log_in(user: User) -> Client:
    client = Client()
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    return client


def enrol(client: Client) -> str:
    """Set an authenticator app up, as its owner does; the app's secret."""
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    client.post(reverse("mfa_activate_totp"), {"code": code(secret)})
    cache.clear()  # a code works once
    return str(secret)


def enters(client: Client, page: str | None = None) -> bool:
    return client.get(page or reverse("admin:index")).status_code == 200


def test_staff_without_a_second_factor_are_sent_to_set_one_up(boss, pages):
    client = log_in(boss)
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 302
        assert reverse("mfa_activate_totp") in answer["Location"]


def test_a_session_that_showed_the_factor_gets_in(boss, pages):
    secret = generate_totp_secret()
    TOTP.activate(boss, secret)
    client = log_in(boss)
    client.post(reverse("mfa_authenticate"), {"code": code(secret)})
    assert all(enters(client, page) for page in pages)


def test_a_session_that_knows_the_password_alone_is_asked_for_a_code(boss, client, pages):
    """It was made before the account had a factor, and by a way that no list of sessions knows."""
    client.force_login(boss)
    secret = generate_totp_secret()
    TOTP.activate(boss, secret)
    for page in pages:
        asked = client.get(page)
        assert asked.status_code == 302
        assert reverse("mfa_reauthenticate") in asked["Location"]
    client.post(reverse("mfa_reauthenticate"), {"code": "000000"})
    assert not enters(client)
    answer = client.post(asked["Location"], {"code": code(secret)})
    assert answer["Location"] == pages[-1]
    assert all(enters(client, page) for page in pages)


def test_enrolling_lets_this_session_in_and_ends_the_others(boss):
    thief, owner = log_in(boss), log_in(boss)
    enrol(owner)
    assert enters(owner)
    assert not enters(thief)
    assert not enters(thief, reverse("dashboard"))
    assert enters(owner, reverse("dashboard"))


def test_a_factor_that_was_removed_counts_no_more(boss):
    client = log_in(boss)
    enrol(client)
    Authenticator.objects.filter(user=boss).delete()
    assert not enters(client)
    TOTP.activate(boss, generate_totp_secret())
    assert not enters(client)


def test_a_recovery_code_counts(boss):
    TOTP.activate(boss, generate_totp_secret())
    RecoveryCodes.activate(boss)
    codes = RecoveryCodes(Authenticator.objects.get(user=boss, type="recovery_codes"))
    client = log_in(boss)
    client.post(reverse("mfa_authenticate"), {"code": codes.get_unused_codes()[0]})
    assert enters(client)


def test_new_recovery_codes_end_no_session(boss):
    client, other = Client(), Client()
    secret = enrol(first := log_in(boss))
    for browser in (client, other):
        browser.post(reverse("account_login"), {"login": boss.email, "password": PASSWORD})
        browser.post(reverse("mfa_authenticate"), {"code": code(secret)})
        cache.clear()
    first.post(reverse("mfa_reauthenticate"), {"code": code(secret)})
    first.post(reverse("mfa_generate_recovery_codes"))
    assert all(enters(browser) for browser in (client, other, first))


def test_the_rest_of_the_site_does_not_ask_for_it(boss):
    client = log_in(boss)
    assert enters(client, reverse("dashboard"))
    assert client.get(reverse("mfa_index")).status_code in (200, 302)


def test_without_the_setting_a_password_is_enough(boss, settings):
    settings.ADMIN_REQUIRE_MFA = False
    assert enters(log_in(boss))
