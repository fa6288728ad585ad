"""Somebody has a copy of the whole database: nothing in it lets them in, sessions aside."""

import json
import re
import time
from uuid import uuid4

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import reverse

from tests import pictures
from tests.fake_stripe import SECRET_KEY, WEBHOOK_SECRET, signed
from tests.life import EMAIL, PASSWORD, Somebody, basic, code, dump, is_in, live, log_in

SESSIONS = frozenset({"django_session", "usersessions_usersession"})


class QuickArgon2(Argon2PasswordHasher):
    """The site's own, with little work a guess."""

    time_cost, memory_cost, parallelism = 1, 8, 1


@pytest.fixture
def victim(db, settings, stripe, tmp_path) -> Somebody:
    settings.MEDIA_ROOT = tmp_path
    settings.ACCOUNT_RATE_LIMITS = settings.MFA_RATE_LIMITS = False  # guessing costs nothing
    settings.PASSWORD_HASHERS = [f"{__name__}.{QuickArgon2.__name__}"]
    return live(stripe)


def pictures_of(client: Client) -> list[object]:
    return json.loads(client.get("/removals").content)["pictures"]


def strings(rows: dict[str, list[tuple]]) -> set[str]:
    """Whatever text could be a secret: cells, and the words in them."""
    schema = {"django_migrations", "django_content_type", "auth_permission"}
    cells = {str(cell) for table in rows.keys() - schema for row in rows[table] for cell in row}
    words = {word for cell in cells for word in re.findall(r"[\w+/=.-]+", cell)}
    parts = {part for cell in cells for part in re.split(r"[$:,\"{}\[\] ]", cell)}
    return {text for text in cells | words | parts if len(text) >= 6}


@pytest.fixture
def loot(victim) -> set[str]:
    found = strings(dump(SESSIONS))
    assert EMAIL in found
    assert {pair.split(":")[0] for pair in victim.pairs} <= found
    return found


def test_no_secret_stands_in_any_table(victim):
    whole = str(dump(SESSIONS))
    assert EMAIL in whole
    secrets = [PASSWORD, victim.totp_secret, *victim.recovery_codes, *victim.mailed]
    secrets += [pair.split(":")[1] for pair in victim.pairs]
    secrets += [SECRET_KEY, WEBHOOK_SECRET, victim.webhook_secret]
    assert [secret for secret in secrets if secret in whole] == []


def test_nothing_stolen_is_an_api_secret(victim, loot):
    for pair in victim.pairs:
        public_id, secret = pair.split(":")
        for text in loot:
            answer = Client().get(
                "/api/v2/account", headers={"Authorization": basic(f"{public_id}:{text}")}
            )
            assert answer.status_code == 401, text
            theirs = Client().get("/v1.0/account", headers={"X-Api-Key": f"{public_id}:{text}"})
            assert theirs.status_code == 403, text
        assert secret not in loot


def test_nothing_stolen_is_a_password(victim, loot):
    client = Client()
    for text in loot:
        log_in(client, text)
        assert not client.session.get("account_login"), text  # not even asked the second factor
        assert not is_in(client), text


def test_nothing_stolen_is_a_second_factor_for_who_knows_the_password(victim, loot):
    client = Client()
    log_in(client, PASSWORD)
    assert client.session.get("account_login")
    guesses = loot | {code(text) for text in loot if re.fullmatch("[A-Z2-7]{16,}=*", text)}
    for text in guesses:
        client.post(reverse("mfa_authenticate"), {"code": text})
        assert not is_in(client), text
    client.post(reverse("mfa_authenticate"), {"code": victim.recovery_codes[0]})
    assert is_in(client)


def test_nothing_stolen_resets_the_password_or_confirms_an_address(victim, loot):
    stamp = format(int(time.time()) - 978307200, "x")
    stored = victim.user.password
    uid = user_pk_to_url_str(victim.user)
    before = list(victim.user.emailaddress_set.order_by("pk").values())
    for text in loot:
        for key in (text, f"{stamp}-{text}"):
            _reset(f"/accounts/password/reset/key/{uid}-{key}/")
            Client().post(f"/accounts/confirm-email/{key}/")
    victim.user.refresh_from_db()
    assert victim.user.password == stored
    assert list(victim.user.emailaddress_set.order_by("pk").values()) == before


def test_a_reset_link_cannot_be_made_without_the_sites_key(victim):
    uid, stored = user_pk_to_url_str(victim.user), victim.user.password
    with override_settings(SECRET_KEY="another"):
        forged = default_token_generator.make_token(victim.user)
    _reset(f"/accounts/password/reset/key/{uid}-{forged}/")
    victim.user.refresh_from_db()
    assert victim.user.password == stored
    _reset(victim.reset_path)
    victim.user.refresh_from_db()
    assert victim.user.password != stored


def test_nothing_stolen_shows_a_visitors_pictures(victim):
    visitor = Client()
    visitor.get("/")
    photo = SimpleUploadedFile("me.jpg", pictures.portrait())
    visitor.post("/removals", {"image": photo, "picture": uuid4().hex})
    assert pictures_of(visitor)
    for text in strings(dump(SESSIONS)):
        client = Client()
        client.cookies["visitor"] = text
        assert not pictures_of(client), text


def test_nothing_stolen_signs_a_payment(stripe, victim, loot):
    for text in loot:
        body, signature = signed(stripe.events[0], secret=text)
        answer = Client().post(
            reverse("stripe_webhook"), body, content_type="application/json",
            headers={"Stripe-Signature": signature},
        )  # fmt: skip
        assert answer.status_code == 400, text


def _reset(path: str) -> None:
    """Follow a reset link and set a password, as far as the site lets one."""
    client = Client()
    page = client.get(path, follow=True)
    address = page.redirect_chain[-1][0] if page.redirect_chain else path
    new = {"password1": "stolen and set anew", "password2": "stolen and set anew"}
    client.post(address, new)
