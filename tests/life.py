"""Somebody who signs up and uses all that there is; and everything that the database then holds."""

import re
from base64 import b64encode
from dataclasses import dataclass
from uuid import uuid4

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.apps import apps
from django.core import mail
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.models import User
from billing import stripe_gateway, webhooks
from billing.models import CreditPack, PackPrice
from removal import limits
from tests import pictures
from tests.fake_stripe import FakeStripe, signed

EMAIL, NEW_EMAIL = "somebody@example.com", "somebody.new@example.com"
ENDPOINT, FILE_NAME = "/api/v2/remove-background", "me at home.jpg"
PASSWORD = "correct horse battery"


@dataclass
class Somebody:
    client: Client
    user: User
    pairs: list[str]  # ID:SECRET; the second is revoked
    totp_secret: str
    recovery_codes: list[str]
    reset_path: str  # of the link that was mailed
    mailed: list[str]  # what makes links in mails secret
    webhook_secret: str


def live(stripe: FakeStripe) -> Somebody:
    """An account with a second factor, keys, a purchase, requests, and mail not answered yet."""
    cache.clear()
    limits.forget_visitors()
    client = Client(HTTP_USER_AGENT="Somebody's browser")
    form = {"email": EMAIL, "password1": PASSWORD, "terms": "on"}
    client.post(reverse("account_signup"), form)
    client.post(_mailed_link())
    log_in(client, PASSWORD)
    totp_secret = _activate_second_factor(client)
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    pairs = [_create_key(client), _create_key(client)]
    user = User.objects.get(email=EMAIL)
    _buy(client, stripe)
    webhook_secret = _use(client, pairs[0])
    services.revoke(user.api_keys.get(public_id=pairs[1].split(":")[0]))
    client.post(reverse("account_email"), {"email": NEW_EMAIL, "action_add": ""})
    confirmation = _mailed_link().rstrip("/").rsplit("/", 1)[1]
    Client().post(reverse("account_reset_password"), {"email": EMAIL})
    reset_path = _mailed_link()
    token = reset_path.rstrip("/").rsplit("-", 1)[1]
    mailed = [confirmation, token]
    return Somebody(client, user, pairs, totp_secret, codes, reset_path, mailed, webhook_secret)


def _activate_second_factor(client: Client) -> str:
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    client.post(reverse("mfa_activate_totp"), {"code": code(secret)})
    return secret


def _create_key(client: Client) -> str:
    page = client.post(reverse("api_keys"), {"label": "laptop"})
    return f"{page.context['key'].public_id}:{page.context['secret']}"


def _buy(client: Client, stripe: FakeStripe) -> None:
    pack = CreditPack.objects.create(name="Hundred", credits=100)
    price = PackPrice.objects.create(pack=pack, currency="eur", amount=10)
    client.post(reverse("buy"), {"price": price.pk})
    webhooks.receive(stripe_gateway.read_event(*signed(stripe.pay(stripe.session))))


def _use(client: Client, pair: str) -> str:
    """Through the API, once with an error that quotes what was sent, and on the page; the secret
    that webhooks are signed with."""
    photo = b64encode(pictures.portrait()).decode()
    headers = {"Authorization": basic(pair), "Idempotency-Key": "order 1"}
    answer = client.post(ENDPOINT, {"image.base64": photo}, headers=headers)
    assert answer.status_code == 200
    empty = SimpleUploadedFile(FILE_NAME, b"")
    client.post(ENDPOINT, {"image": empty}, headers={"Authorization": basic(pair)})
    batched = SimpleUploadedFile(FILE_NAME, pictures.portrait())
    form = {"image": batched, "webhook.url": "https://example.com/told"}
    answer = client.post("/api/v2/batches", form, headers={"Authorization": basic(pair)})
    webhook_secret = str(answer.json()["webhook"]["secret"])

    client.get("/")
    picture = SimpleUploadedFile(FILE_NAME, pictures.portrait())
    answer = client.post("/removals", {"image": picture, "picture": uuid4().hex})
    assert answer.status_code == 200
    return webhook_secret


def _mailed_link() -> str:
    links = [re.search(r"http://testserver(\S+)", message.body) for message in mail.outbox]
    return next(link[1] for link in reversed(links) if link)


def code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def basic(pair: str) -> str:
    return f"Basic {b64encode(pair.encode()).decode()}"


def log_in(client: Client, password: str) -> None:
    client.post(reverse("account_login"), {"login": EMAIL, "password": password})


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def dump(without: frozenset[str] = frozenset()) -> dict[str, list[tuple]]:
    """Every row of every table, as somebody with a copy of the database reads it."""
    tables = set(connection.introspection.table_names())
    assert {model._meta.db_table for model in apps.get_models()} <= tables
    with connection.cursor() as cursor:
        rows = {}
        for table in tables - without:
            cursor.execute(f'SELECT * FROM "{table}"')
            rows[table] = cursor.fetchall()
    return rows
