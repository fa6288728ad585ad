"""SECRET_KEY can be changed without locking anybody out."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.mfa.utils import decrypt
from cryptography.fernet import InvalidToken
from django.core.management import call_command

from accounts import services, webhook_secrets
from accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def factors(settings):
    """A second factor and recovery codes, made under the old key."""
    settings.SECRET_KEY = "the old key"
    user = User.objects.create_user("alice@example.com", "correct horse battery")
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return user, secret


def sealed(user):
    return Authenticator.objects.get(user=user, type="totp").data["secret"]


def test_the_old_key_still_opens_second_factors(factors, settings):
    user, secret = factors
    settings.SECRET_KEY = "the new key"
    with pytest.raises(InvalidToken):
        decrypt(sealed(user))
    settings.SECRET_KEY_FALLBACKS = ["the old key"]
    assert decrypt(sealed(user)) == secret


def test_encrypted_anew_they_need_it_no_more(factors, settings, capsys):
    user, secret = factors
    codes = RecoveryCodes(Authenticator.objects.get(user=user, type="recovery_codes"))
    before = codes.get_unused_codes()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the new key", ["the old key"]
    call_command("reencrypt_second_factors")  # the name of before
    settings.SECRET_KEY_FALLBACKS = []
    assert decrypt(sealed(user)) == secret
    codes = RecoveryCodes(Authenticator.objects.get(user=user, type="recovery_codes"))
    assert codes.get_unused_codes() == before
    assert "2 second factors" in capsys.readouterr().out


def test_webhook_secrets_are_encrypted_anew_and_stay_what_they_are(settings, capsys):
    settings.SECRET_KEY = "the old key"
    user, _ = services.get_or_create_account("alice@example.com")
    key, _secret = services.issue_api_key(user)
    webhook_secrets.replace(key, timedelta(days=1))
    before = webhook_secrets.signing(key)
    assert len(set(before)) == 2
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the new key", ["the old key"]
    assert webhook_secrets.signing(key) == before
    call_command("reencrypt_secrets")
    settings.SECRET_KEY_FALLBACKS = []
    assert webhook_secrets.signing(key) == before
    assert "2 webhook secrets" in capsys.readouterr().out


def test_what_cannot_be_read_stops_nothing_else(factors, settings, capsys):
    user, _ = factors
    settings.SECRET_KEY = "a key between"
    key, _secret = services.issue_api_key(user)
    before = webhook_secrets.signing(key)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the new key", ["a key between"]
    unread = sealed(user)
    call_command("reencrypt_secrets")
    settings.SECRET_KEY_FALLBACKS = []
    assert webhook_secrets.signing(key) == before
    assert sealed(user) == unread
    assert capsys.readouterr().err.startswith("2 were encrypted with a key that is neither")
