"""Signing in with another site's account, against a real OpenID Connect provider."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import requests
import time_machine
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from oidc_provider_mock import run_server_in_thread

from accounts.models import User
from billing import ledger

LOGIN, CALLBACK = "/accounts/oidc/corp/login/", "/accounts/oidc/corp/login/callback/"
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with run_server_in_thread() as server:
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(autouse=True)
def configured(settings, provider, db):
    cache.clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    app = {
        "provider_id": "corp", "name": "Corp", "client_id": "cutout", "secret": "hush",
        "settings": {"server_url": provider, "oauth_pkce_enabled": True},
    }  # fmt: skip
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}


def know(provider: str, subject: str, **claims: object) -> None:
    """Make somebody known to the provider."""
    told = {"email": f"{subject}@example.com", "email_verified": True, "name": "No Matter"} | claims
    requests.put(f"{provider}/users/{subject}", json=told, timeout=10).raise_for_status()


def sign_in(client: Client, subject: str, process: str = "login"):
    """As a browser that lets the provider know who it is; the last answer."""
    sent = client.post(f"{LOGIN}?process={process}")
    assert sent.status_code == 302
    with requests.Session() as browser:
        back = browser.post(sent["Location"], {"sub": subject}, allow_redirects=False, timeout=10)
    address = back.headers["Location"]
    assert CALLBACK in address
    return client.get(address.partition("testserver")[2], follow=True)


def test_the_pages_offer_it(client):
    for path in ("/accounts/login/", "/accounts/signup/"):
        assert f'action="{LOGIN}?process=login"' in client.get(path).content.decode()


def test_somebody_new_consents_and_has_an_account_with_the_address_confirmed(
    client, provider, settings
):
    settings.SIGNUP_CREDITS = Decimal(3)
    know(provider, "nina")
    page = sign_in(client, "nina")
    assert "One last step" in page.content.decode()
    assert not User.objects.exists()
    client.post("/accounts/3rdparty/signup/", {"email": "nina@example.com", "terms": "on"})
    user = User.objects.get()
    assert (user.email, user.has_usable_password()) == ("nina@example.com", False)
    assert user.terms_accepted_at is not None
    assert EmailAddress.objects.get(user=user).verified
    assert ledger.account_for(user).spendable == 3
    assert client.get("/dashboard").status_code == 200
    assert SocialAccount.objects.get().extra_data == {"email": "nina@example.com"}
    other = Client()
    sign_in(other, "nina")
    assert other.get("/dashboard").status_code == 200
    assert User.objects.count() == 1


def test_without_terms_there_is_no_form(client, provider, settings):
    settings.TERMS_URL = ""
    know(provider, "otto", email_verified="true")
    sign_in(client, "otto")
    assert client.get("/dashboard").status_code == 200


@pytest.mark.parametrize("is_verified", [True, False])
def test_a_taken_address_is_not_taken_over(client, provider, settings, is_verified):
    settings.TERMS_URL = ""
    owner = User.objects.create_user("paula@example.com", PASSWORD)
    owner.confirm_email()
    know(provider, "paula", email_verified=is_verified)
    sign_in(client, "paula")
    assert client.get("/dashboard").status_code == 302
    assert not SocialAccount.objects.exists()
    assert mail.outbox[-1].to == ["paula@example.com"]


@pytest.mark.parametrize("claim", [False, "false", None, "0"])
def test_an_address_that_the_provider_does_not_vouch_for_is_confirmed_by_mail(
    client, provider, settings, claim
):
    settings.TERMS_URL = ""
    know(provider, "quinn", email_verified=claim)
    sign_in(client, "quinn")
    assert client.get("/dashboard").status_code == 302
    link = re.search(r"/accounts/confirm-email/\S+", mail.outbox[-1].body)
    assert link is not None
    client.post(link[0])
    assert EmailAddress.objects.get(email="quinn@example.com").verified


def test_the_owner_connects_and_removes_it(client, provider):
    owner = User.objects.create_user("rosa@example.com", PASSWORD)
    owner.confirm_email()
    client.post("/accounts/login/", {"login": "rosa@example.com", "password": PASSWORD})
    know(provider, "rosa-at-work", email="rosa@corp.example")
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        sign_in(client, "rosa-at-work", "connect")
    assert not SocialAccount.objects.exists()  # the password is asked for first
    page = client.post("/accounts/reauthenticate/", {"password": PASSWORD}, follow=True)
    assert "rosa@corp.example" in page.content.decode()
    other = Client()
    sign_in(other, "rosa-at-work")
    assert other.get("/dashboard").context["user"] == owner
    client.post("/accounts/3rdparty/", {"account": SocialAccount.objects.get().pk})
    assert not SocialAccount.objects.exists()


def test_where_signing_up_is_closed_nobody_new_comes_in(client, provider, settings):
    settings.SIGNUP_OPEN = False
    know(provider, "sam")
    sign_in(client, "sam")
    assert not User.objects.exists()


def test_a_provider_that_is_away_is_told_in_words(client, settings):
    app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    app["settings"]["server_url"] = "http://127.0.0.1:9"
    answer = client.post(LOGIN)
    assert answer.status_code == 503
    assert "did not answer as it should" in answer.content.decode()


def test_a_forged_answer_signs_nobody_in(client, provider):
    know(provider, "tina")
    sent = client.post(LOGIN)
    with requests.Session() as browser:
        back = browser.post(sent["Location"], {"sub": "tina"}, allow_redirects=False, timeout=10)
    thief = Client()  # the answer of somebody else's browser
    thief.get(back.headers["Location"].partition("testserver")[2])
    assert not User.objects.exists()
    assert thief.get("/dashboard").status_code == 302
