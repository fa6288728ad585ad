"""Idempotency-Key: a repeated request gets the result of the first one.

A key belongs to one row. The request that inserts the row does the work; the unique constraint
ensures that there is only one, on any database. The charge and the stored result are committed
in one transaction (removal/services.py), so every charged result can be requested again, and a
result that cannot be requested again was not charged.

    insert -> working -> done -> expired -> deleted
                 `-> deleted: an error, or a process that died (its lease runs out)
"""

import hashlib
import json
import re
import uuid
from dataclasses import fields
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from billing.models import Hold

from . import engine, storage
from .errors import InvalidKey, KeyInProgress, KeyReused, ResultNotKept, TookTooLong
from .models import KeyedRequest

State = KeyedRequest.State
# How long a key is remembered after its result: repeating it by mistake is not charged.
REMEMBERED = timedelta(days=7)


def fingerprint(*asked: Any) -> str:
    """The digest of a request, given as JSON-compatible values."""
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def chosen_options(options: engine.Options) -> list[tuple[str, str]]:
    """The non-default options, for a fingerprint."""
    default = engine.Options()
    return [
        (field.name, repr(value))
        for field in fields(default)
        if (value := getattr(options, field.name)) != getattr(default, field.name)
    ]


def claim(user: User, key: str, fingerprint: str, request_id: str) -> KeyedRequest:
    """Claim the key: a new row, or the row of the finished request, told apart by its state.

    fingerprint: identifies the request; the key is refused with another one.
    Raises InvalidKey, KeyInProgress, KeyReused, ResultNotKept.
    """
    if not re.fullmatch(r"[ -~]{1,255}", key):
        raise InvalidKey
    row, created = _insert(user, key, fingerprint, request_id)
    if not created and row.state == State.WORKING and row.expires_at <= timezone.now():
        row.delete()  # its process died
        row, created = _insert(user, key, fingerprint, request_id)
    if created:
        return row
    if row.fingerprint != fingerprint:
        raise KeyReused
    if row.state == State.WORKING:
        raise KeyInProgress
    if row.state == State.EXPIRED or row.expires_at <= timezone.now():
        raise ResultNotKept
    return row


class KeyedResultStore:
    """Stores the result of the request that claimed a row, but not the picture."""

    def __init__(self, row: KeyedRequest) -> None:
        self._row = row
        self._size = 0

    def take(self, data: bytes) -> None:
        """Store nothing: the fingerprint in the row identifies the picture."""

    def store(self, content: bytes) -> None:
        storage.put(self._row.result_name, content)
        self._size = len(content)

    def remember(self, outcome: dict[str, Any], hold: Hold | None) -> None:
        """Raises TookTooLong if the lease ran out and another request has claimed the key."""
        now = timezone.now()
        kept = now + timedelta(seconds=settings.REMOVAL_IDEMPOTENCY_KEEP)
        mine = KeyedRequest.objects.filter(pk=self._row.pk, state=State.WORKING, expires_at__gt=now)
        columns = {"outcome": outcome, "hold": hold, "size": self._size, "expires_at": kept}
        if not mine.update(state=State.DONE, **columns):
            raise TookTooLong
        if hold is None and self._size:
            _make_room_for_free(self._row)

    def give_up(self) -> None:
        """Free the key after an error."""
        KeyedRequest.objects.filter(pk=self._row.pk, state=State.WORKING).delete()


def _make_room_for_free(newest: KeyedRequest) -> None:
    """Free results may use a limited number of bytes for each account; the oldest are dropped."""
    free = KeyedRequest.objects.filter(user=newest.user, state=State.DONE, hold=None, size__gt=0)
    left = settings.REMOVAL_IDEMPOTENCY_TEST_BYTES
    over = []
    for row in free.order_by("-pk"):
        left -= row.size
        if left < 0 and row.pk != newest.pk:
            over.append(row)
    if over:
        _expire(over)


def _expire(rows: list[KeyedRequest]) -> None:
    """Mark results as expired; the keys are still remembered."""
    names = [row.result_name for row in rows]
    KeyedRequest.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=State.EXPIRED, outcome={}, size=0
    )
    transaction.on_commit(partial(storage.discard, *names), robust=True)


def content_of(row: KeyedRequest) -> bytes:
    try:
        return storage.get(row.result_name)
    except FileNotFoundError:
        raise ResultNotKept from None


def purge(now: datetime | None = None) -> int:
    """Delete expired results and old keys; the number of results deleted."""
    now = now or timezone.now()
    rows = KeyedRequest.objects.filter(expires_at__lte=now)
    expired = list(rows.filter(state=State.DONE))
    storage.delete(*(row.result_name for row in expired))
    rows.filter(pk__in=[row.pk for row in expired]).update(state=State.EXPIRED, outcome={})
    rows.filter(state=State.WORKING).delete()
    rows.filter(state=State.EXPIRED, expires_at__lte=now - REMEMBERED).delete()
    return len(expired)


def sweep(now: datetime | None = None) -> int:
    """Delete files without a row; the number deleted."""
    return storage.sweep(KeyedRequest.FOLDER, _owned_files, now)


def _owned_files() -> set[str]:
    rows = KeyedRequest.objects.filter(state__in=(State.WORKING, State.DONE))
    return {KeyedRequest.name_of(token) for token in rows.values_list("token", flat=True)}


def delete_file(instance: KeyedRequest, **signal: Any) -> None:
    """Delete the file with its row, for any reason: an error, the purge, a closed account."""
    transaction.on_commit(partial(storage.discard, instance.result_name))


def _insert(user: User, key: str, fingerprint: str, request_id: str) -> tuple[KeyedRequest, bool]:
    """The new row, or the existing one."""
    lease = (
        settings.REMOVAL_DEADLINE_SECONDS + settings.IMAGE_URL_SECONDS + settings.HOLD_GRACE_SECONDS
    )
    columns = {
        "fingerprint": fingerprint,
        "token": uuid.uuid4().hex,
        "request_id": request_id,
        "expires_at": timezone.now() + timedelta(seconds=lease),
    }
    try:
        return KeyedRequest.objects.get_or_create(user=user, key=key, defaults=columns)
    except IntegrityError:  # deleted between insert and read: it has just failed
        raise KeyInProgress from None
