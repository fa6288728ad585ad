"""A batch's life: made, added to, closed, cancelled, deleted, purged. Owners see their own only."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from accounts.models import ApiKey, User
from removal import storage
from removal.errors import BatchClosed, BatchTooLarge, NoSuchPath, TooManyBatches
from removal.models import Batch, BatchPicture

from . import webhooks
from .intake import Upload

State = BatchPicture.State
FOLDER = "batch-pictures"
KINDS = ("original", "result")
LIVING = (Batch.State.OPEN, Batch.State.CLOSED)
NAME_LENGTH = 255


def create(key: ApiKey, fields: dict[str, str], webhook_url: str = "") -> Batch:
    """An open batch without pictures, charged through this key. Raises TooManyBatches."""
    user = key.user
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # one after another, so that it is exact
        limit = settings.REMOVAL_BATCHES_PER_ACCOUNT
        if user.batches.filter(state__in=LIVING).count() >= limit:
            raise TooManyBatches(limit)
        return Batch.objects.create(
            batch_id=uuid.uuid4().hex,
            user=user,
            api_key=key,
            fields=fields,
            webhook_url=webhook_url,
            expires_at=_kept_until(),
        )


def visible_to(key: ApiKey) -> QuerySet[Batch]:
    """The account's batches; a test-only key, which many may know, sees those of such keys only."""
    batches = key.user.batches.filter(expires_at__gt=timezone.now())
    return batches.filter(api_key__test_only=True) if key.test_only else batches


def find(key: ApiKey, batch_id: str) -> Batch:
    """Raises NoSuchPath for what is not there and for what is somebody else's alike."""
    batch = visible_to(key).filter(batch_id=batch_id).first()
    if batch is None:
        raise NoSuchPath(f"/api/v2/batches/{batch_id}")
    return batch


def find_to_add(key: ApiKey, batch_id: str) -> Batch:
    """What is added is charged through the batch's own key, so one with a monthly limit of its own
    may add to its own batches only. Raises NoSuchPath."""
    batch = find(key, batch_id)
    if key.monthly_limit is not None and batch.api_key_id != key.pk:
        raise NoSuchPath(f"/api/v2/batches/{batch_id}/pictures")
    return batch


def room(batch: Batch) -> int:
    """How many pictures more it may get."""
    return int(settings.REMOVAL_BATCH_PICTURES) - batch.pictures.count()


def add(batch: Batch, uploads: Iterable[Upload]) -> list[BatchPicture]:
    """More pictures for an open batch: all of them or none.

    Raises BatchClosed, BatchTooLarge, StorageFailed and what reading the uploads raises.
    """
    stored: list[tuple[str, str]] = []  # name, token
    limit = room(batch)
    try:
        for upload in uploads:
            if len(stored) >= limit:
                raise BatchTooLarge(settings.REMOVAL_BATCH_PICTURES)
            token = uuid.uuid4().hex
            stored.append((upload.name, token))
            storage.put(file_name(token, "original"), upload.content)
        return _insert(batch, stored)
    except BaseException:
        storage.discard(*(file_name(token, "original") for _, token in stored))
        raise


def _insert(batch: Batch, stored: list[tuple[str, str]]) -> list[BatchPicture]:
    with transaction.atomic():
        current = Batch.objects.select_for_update().get(pk=batch.pk)
        if current.state != Batch.State.OPEN:
            raise BatchClosed
        if len(stored) > room(current):
            raise BatchTooLarge(settings.REMOVAL_BATCH_PICTURES)
        first = current.pictures.count() + 1
        return BatchPicture.objects.bulk_create(
            BatchPicture(batch=current, number=first + index, name=name[-NAME_LENGTH:], token=token)
            for index, (name, token) in enumerate(stored)
        )


def close(batch: Batch) -> None:
    """No more pictures will come; closing twice is no error. Raises BatchClosed once cancelled."""
    with transaction.atomic():
        current = Batch.objects.select_for_update().get(pk=batch.pk)
        if current.state == Batch.State.CANCELLED:
            raise BatchClosed
        if current.state == Batch.State.OPEN:
            current.state = Batch.State.CLOSED
            current.save(update_fields=["state"])
            end_if_done(current)


def cancel(batch: Batch) -> None:
    """Nothing more is begun, and what is at work is not charged; what is done stays."""
    with transaction.atomic():
        current = Batch.objects.select_for_update().get(pk=batch.pk)
        if current.state not in LIVING:
            return
        current.state = Batch.State.CANCELLED
        current.save(update_fields=["state"])
        unfinished = current.pictures.filter(state__in=(State.WAITING, State.WORKING))
        names = [
            file_name(token, "original") for token in unfinished.values_list("token", flat=True)
        ]
        unfinished.update(state=State.CANCELLED)
        webhooks.note(current, "batch.cancelled", progress(current))
        transaction.on_commit(partial(storage.discard, *names), robust=True)


def end_if_done(batch: Batch) -> None:
    """Called in the transaction that ended a picture or closed the batch."""
    unfinished = batch.pictures.filter(state__in=(State.WAITING, State.WORKING))
    closed = Batch.objects.filter(pk=batch.pk, state=Batch.State.CLOSED)
    if unfinished.exists() or not closed.update(state=Batch.State.DONE, expires_at=_kept_until()):
        return
    batch.refresh_from_db()
    webhooks.note(batch, "batch.done", progress(batch))


def progress(batch: Batch) -> dict[str, Any]:
    """What is told of a batch."""
    counts = dict(batch.pictures.order_by().values_list("state").annotate(Count("pk")))
    total = sum(counts.values())
    ended = total - counts.get(State.WAITING, 0) - counts.get(State.WORKING, 0)
    outcomes = batch.pictures.filter(state=State.DONE).values_list("outcome__charged", flat=True)
    return {
        "id": batch.batch_id,
        "state": batch.state,
        "createdAt": batch.created_at.isoformat(),
        "keptUntil": batch.expires_at.isoformat(),
        "pictures": {"total": total} | {state.value: counts.get(state, 0) for state in State},
        "progress": round(ended / total, 4) if total else 0.0,
        "creditsCharged": float(sum((Decimal(charged) for charged in outcomes), Decimal(0))),
    }


def as_dict(picture: BatchPicture) -> dict[str, Any]:
    """What is told of a picture."""
    facts: dict[str, Any] = {
        "number": picture.number,
        "name": picture.name,
        "state": picture.state,
        "requestId": picture.request_id or None,
    }
    if picture.state == State.DONE:
        facts["creditsCharged"] = float(picture.outcome["charged"])
        facts["resultSize"] = picture.outcome["facts"]["result_size"]
    if picture.state == State.FAILED:
        facts["error"] = {
            "status": picture.error_status,
            "code": picture.error_code,
            "message": picture.error_message,
        }
    return facts


def purge(now: datetime | None = None) -> int:
    """Delete batches whose time is over, their files with them; their number."""
    expired = Batch.objects.filter(expires_at__lte=now or timezone.now())
    return expired.delete()[1].get(Batch._meta.label, 0)


def sweep(now: datetime | None = None) -> int:
    """Delete files that have lost their row; their number."""
    return storage.sweep(FOLDER, _owned_files, now)


def _owned_files() -> set[str]:
    tokens = BatchPicture.objects.values_list("token", flat=True)
    return {file_name(token, kind) for token in tokens for kind in KINDS}


def delete_files(instance: BatchPicture, **signal: Any) -> None:
    """A row takes its files along, whoever deletes it; one that stays behind is swept later."""
    names = [file_name(instance.token, kind) for kind in KINDS]
    transaction.on_commit(partial(storage.discard, *names), robust=True)


def file_name(token: str, kind: str) -> str:
    return f"{FOLDER}/{token}-{kind}"


def _kept_until() -> datetime:
    return timezone.now() + timedelta(seconds=settings.REMOVAL_BATCH_KEEP_SECONDS)
