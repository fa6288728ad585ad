"""Idempotency-Key: a repeated request is answered with what the first one earned.

A key belongs to one row. Whoever inserts the row does the work; the unique constraint sees to it
that this is one request only, on any database. The charge and the memory of the result are written
in one transaction (removal/services.py), so what was charged can be asked for again, and what
cannot be asked for again was not charged.

    insert -> working -> done -> expired -> deleted
                 `-> deleted: an error, or a process that died (its lease runs out)
"""

import hashlib
import json
import re
import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from billing.models import Hold

from . import storage
from .errors import InvalidKey, KeyInProgress, KeyReused, ResultNotKept, TookTooLong
from .models import KeyedRequest

State = KeyedRequest.State
# How long a key is still known once its result is gone: repeating it by mistake is not charged.
REMEMBERED = timedelta(days=7)


def fingerprint(*asked: Any) -> str:
    """Of what was asked for, given as JSON can hold it."""
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def claim(user: User, key: str, fingerprint: str, request_id: str) -> KeyedRequest:
    """The row to work for, or that of the finished request, by its state.

    fingerprint: says what was asked for; with another one a key is refused.
    Raises InvalidKey, KeyInProgress, KeyReused, ResultNotKept.
    """
    if not re.fullmatch(r"[ -~]{1,255}", key):
        raise InvalidKey
    row, created = _insert(user, key, fingerprint, request_id)
    if not created and row.state == State.WORKING and row.expires_at <= timezone.now():
        row.delete()  # its process has died
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
    """Keeps the result of the request that claimed a row; the picture it does not keep."""

    def __init__(self, row: KeyedRequest) -> None:
        self._row = row
        self._size = 0

    def take(self, data: bytes) -> None:
        """The fingerprint in the row says all that has to be known of the picture."""

    def store(self, content: bytes) -> None:
        storage.put(self._row.result_name, content)
        self._size = len(content)

    def remember(self, outcome: dict[str, Any], hold: Hold | None) -> None:
        """Raises TookTooLong where the lease ran out and the key is somebody else's by now."""
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
    """What cost nothing may take so many bytes of an account; the oldest give way."""
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
    """Their results are gone; that they were is still known."""
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
    """Delete results past their time, then forget old keys; the number of results deleted."""
    now = now or timezone.now()
    rows = KeyedRequest.objects.filter(expires_at__lte=now)
    expired = list(rows.filter(state=State.DONE))
    storage.delete(*(row.result_name for row in expired))
    rows.filter(pk__in=[row.pk for row in expired]).update(state=State.EXPIRED, outcome={})
    rows.filter(state=State.WORKING).delete()
    rows.filter(state=State.EXPIRED, expires_at__lte=now - REMEMBERED).delete()
    return len(expired)


def sweep(now: datetime | None = None) -> int:
    """Delete files that have lost their row; their number."""
    return storage.sweep(KeyedRequest.FOLDER, _owned_files, now)


def _owned_files() -> set[str]:
    rows = KeyedRequest.objects.filter(state__in=(State.WORKING, State.DONE))
    return {KeyedRequest.name_of(token) for token in rows.values_list("token", flat=True)}


def delete_file(instance: KeyedRequest, **signal: Any) -> None:
    """A row takes its file along, whoever deletes it: an error, the purge, a closed account."""
    transaction.on_commit(partial(storage.discard, instance.result_name))


def _insert(user: User, key: str, fingerprint: str, request_id: str) -> tuple[KeyedRequest, bool]:
    """The new row, or the one that is there."""
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
    except IntegrityError:  # there when we inserted, gone when we looked: it has just failed
        raise KeyInProgress from None
