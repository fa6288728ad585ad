"""Exports all data stored about a user as one streamed JSON document, with only a few rows in
memory."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet

from accounts.models import User
from billing import ledger
from removal.models import Removal

CHUNK = 500  # rows read and sent at a time
COLUMNS = (
    "created_at",
    "request_id",
    "via",
    "test",
    "status",
    "error_code",
    "error_message",
    "input_format",
    "input_width",
    "input_height",
    "output_format",
    "model",
    "result_width",
    "result_height",
    "credits_charged",
    "credits_calculated",
    "duration_ms",
)


def of(user: User) -> Iterator[str]:
    """The document's text in chunks."""
    yield f'{{\n"account": {_json(_account(user))}'
    for name, rows in _lists(user):
        yield f',\n"{name}": ['
        yield from _items(rows)
        yield "]"
    yield "\n}\n"


def _account(user: User) -> dict[str, Any]:
    addresses = EmailAddress.objects.filter(user=user)
    return {
        "email": user.email,
        "joined": user.date_joined,
        "terms_accepted": user.terms_accepted_at,
        "language": user.language,
        "addresses": list(addresses.values("email", "verified", "primary")),
    }


def _lists(user: User) -> Iterator[tuple[str, Iterable[dict[str, Any]]]]:
    factors = Authenticator.objects.filter(user=user)
    yield "second_factors", _rows(factors, "type", "created_at", "last_used_at")
    connected = SocialAccount.objects.filter(user=user)
    yield "connected_accounts", _rows(connected, "provider", "uid", "extra_data", "date_joined")
    sessions = UserSession.objects.filter(user=user)
    yield "sessions", _rows(sessions, "created_at", "last_seen_at", "ip", "user_agent")
    keys = ("public_id", "label", "test_only", "created_at", "last_used_at", "revoked_at")
    yield "api_keys", _rows(user.api_keys.all(), *keys, "monthly_limit")
    yield "purchases", ledger.purchases(user)
    yield "ledger", ledger.statement(user)
    yield "requests", _rows(Removal.objects.filter(user=user).order_by("-created_at"), *COLUMNS)
    usage = user.daily_usage.order_by("pk")
    yield "daily_usage", _rows(usage, "day", "api_key__public_id", "requests", "errors", "credits")
    pictures = ("name", "state", "size", "created_at", "expires_at")
    yield "pictures", _rows(user.kept_pictures.all(), *pictures)
    yield "recipes", _rows(user.own_recipes.all(), "name", "parameters", "created_at")
    batches = ("batch_id", "fields", "webhook_url", "state", "created_at", "expires_at")
    yield "batches", _rows(user.batches.all(), *batches)


def _rows(rows: QuerySet[Any], *columns: str) -> Iterator[dict[str, Any]]:
    return iter(rows.values(*columns).iterator(chunk_size=CHUNK))


def _items(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    left, separator = iter(rows), "\n"
    while some := list(islice(left, CHUNK)):
        yield separator + ",\n".join(map(_json, some))
        separator = ",\n"


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
