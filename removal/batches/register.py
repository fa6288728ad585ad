"""Creates, extends, closes, cancels, deletes and purges batches. Owners see only their own."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from django.utils import timezone

from accounts.models import ApiKey, User
from removal import storage
from removal.errors import BatchClosed, BatchTooLarge, NoSuchPath, TooManyBatchBytes, TooManyBatches
from removal.models import Batch, BatchPicture

from . import webhooks
from .intake import Upload

State = BatchPicture.State
FOLDER = "batch-pictures"
LIVING = (Batch.State.OPEN, Batch.State.CLOSED)
NAME_LENGTH = 255
ROW_BYTES = 4096  # counted for each batch and picture besides its files: many small ones add up
Note = Callable[[Batch], None]


class StoredUpload(NamedTuple):
    name: str
    token: str
    size: int


def _nothing(batch: Batch) -> None:
    """The default callback: does nothing."""


def create(
    key: ApiKey,
    fields: dict[str, str],
    uploads: Iterable[Upload],
    *,
    webhook_url: str = "",
    keep_open: bool = False,
    note: Note = _nothing,
) -> Batch:
    """Create a batch of these pictures, charged through this key; all of them or none. Raises
    TooManyBatches, and the errors of `add`."""
    _check_number(key.user)  # checked before anything is stored
    limit = settings.REMOVAL_BATCH_PICTURES
    with _stored(key.user, uploads, limit) as files, _account(key.user, files):
        _check_number(key.user)
        batch = Batch.objects.create(
            batch_id=uuid.uuid4().hex,
            user=key.user,
            api_key=key,
            fields=fields,
            webhook_url=webhook_url,
            expires_at=_kept_until(),
        )
        _insert(batch, files)
        if not keep_open:
            _close(batch)
        note(batch)
    return batch


def _check_number(user: User) -> None:
    limit = settings.REMOVAL_BATCHES_PER_ACCOUNT
    if user.batches.filter(state__in=LIVING).count() >= limit:
        raise TooManyBatches(limit)


def visible_to(key: ApiKey) -> QuerySet[Batch]:
    """The account's batches; a test-only key, which many may know, sees only those of such keys."""
    batches = key.user.batches.filter(expires_at__gt=timezone.now())
    return batches.filter(api_key__test_only=True) if key.test_only else batches


def find(key: ApiKey, batch_id: str) -> Batch:
    """Raises NoSuchPath both for missing batches and for those of other owners."""
    batch = visible_to(key).filter(batch_id=batch_id).first()
    if batch is None:
        raise NoSuchPath(f"/api/v2/batches/{batch_id}")
    return batch


def find_to_add(key: ApiKey, batch_id: str) -> Batch:
    """A batch to which this key may add. Pictures are charged through the batch's own key, so a key
    with a monthly limit may only add to its own batches. Raises NoSuchPath."""
    batch = find(key, batch_id)
    if key.monthly_limit is not None and batch.api_key_id != key.pk:
        raise NoSuchPath(f"/api/v2/batches/{batch_id}/pictures")
    return batch


def room(batch: Batch) -> int:
    """The number of pictures that may still be added."""
    return int(settings.REMOVAL_BATCH_PICTURES) - batch.pictures.count()


def add(batch: Batch, uploads: Iterable[Upload], note: Note = _nothing) -> None:
    """Add pictures to an open batch: all of them or none.

    note: called with the batch in the same transaction.
    Raises BatchClosed, BatchTooLarge, StorageFailed and the errors of reading the uploads.
    """
    with _stored(batch.user, uploads, room(batch)) as files, _account(batch.user, files):
        current = Batch.objects.select_for_update().get(pk=batch.pk)
        if current.state != Batch.State.OPEN:
            raise BatchClosed
        if len(files) > room(current):
            raise BatchTooLarge(settings.REMOVAL_BATCH_PICTURES)
        _insert(current, files)
        note(current)


@contextmanager
def _account(user: User, files: list[StoredUpload]) -> Iterator[None]:
    """A transaction that locks the account and checks that the files fit its limit."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        check_room(user, sum(file.size for file in files) + len(files) * ROW_BYTES)
        yield


def check_room(user: User, more: int = 0) -> None:
    """Raises TooManyBatchBytes if the files would exceed the account's limit."""
    pictures = BatchPicture.objects.filter(batch__user=user)
    kept = pictures.aggregate(bytes=Sum("size", default=0), rows=Count("pk"))
    rows = kept["rows"] + user.batches.count()
    limit = settings.REMOVAL_BATCH_BYTES_PER_ACCOUNT
    if kept["bytes"] + rows * ROW_BYTES + more > limit:
        raise TooManyBatchBytes(limit)


@contextmanager
def _stored(user: User, uploads: Iterable[Upload], limit: int) -> Iterator[list[StoredUpload]]:
    """Store the uploads' files; delete them again if the block fails."""
    check_room(user)
    stored: list[StoredUpload] = []
    try:
        for upload in uploads:
            if len(stored) >= limit:
                raise BatchTooLarge(settings.REMOVAL_BATCH_PICTURES)
            stored.append(StoredUpload(upload.name, uuid.uuid4().hex, len(upload.content)))
            storage.put(original_name(stored[-1].token), upload.content)
        yield stored
    except BaseException:
        storage.discard(*(original_name(file.token) for file in stored))
        raise


def _insert(batch: Batch, files: list[StoredUpload]) -> None:
    first = batch.pictures.count() + 1
    BatchPicture.objects.bulk_create(
        BatchPicture(
            batch=batch,
            number=first + index,
            name=file.name[-NAME_LENGTH:],
            token=file.token,
            size=file.size,
        )
        for index, file in enumerate(files)
    )


def close(batch: Batch) -> None:
    """Close the batch to further pictures; closing twice is no error. Raises BatchClosed if it is
    cancelled."""
    with transaction.atomic():
        current = Batch.objects.select_for_update().get(pk=batch.pk)
        if current.state == Batch.State.CANCELLED:
            raise BatchClosed
        if current.state == Batch.State.OPEN:
            _close(current)


def _close(batch: Batch) -> None:
    batch.state = Batch.State.CLOSED
    batch.save(update_fields=["state"])
    end_if_done(batch)


def cancel(batch: Batch) -> None:
    """Cancel: nothing more is started, running pictures are not charged, finished results stay."""
    with transaction.atomic():
        current = Batch.objects.select_for_update().get(pk=batch.pk)
        if current.state not in LIVING:
            return
        current.state = Batch.State.CANCELLED
        current.save(update_fields=["state"])
        unfinished = current.pictures.filter(state__in=(State.WAITING, State.WORKING))
        names = [original_name(token) for token in unfinished.values_list("token", flat=True)]
        unfinished.update(state=State.CANCELLED, size=0)
        webhooks.note(current, "batch.cancelled", progress(current))
        transaction.on_commit(partial(storage.discard, *names), robust=True)


def delete(batch: Batch) -> None:
    """Delete the batch with its files; pictures at work are not charged."""
    with transaction.atomic():
        lock(batch.pk)
        batch.delete()


def lock(pk: int) -> None:
    """Lock a batch, if it still exists, before its pictures change state. Else two pictures that
    end at once would each take the other for unfinished, and the batch would never end."""
    Batch.objects.select_for_update().filter(pk=pk).first()


def end_if_done(batch: Batch) -> None:
    """End the batch if possible; called in the transaction that ended a picture or closed it, and
    that has locked the batch."""
    unfinished = batch.pictures.filter(state__in=(State.WAITING, State.WORKING))
    closed = Batch.objects.filter(pk=batch.pk, state=Batch.State.CLOSED)
    if unfinished.exists() or not closed.update(state=Batch.State.DONE, expires_at=_kept_until()):
        return
    batch.refresh_from_db()
    webhooks.note(batch, "batch.done", progress(batch))


def progress(batch: Batch) -> dict[str, Any]:
    """The batch as the API returns it."""
    return progress_of([batch])[0]


def progress_of(batches: Sequence[Batch]) -> list[dict[str, Any]]:
    """The batches as the API returns them, with one query for their pictures."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    charged: dict[int, Decimal] = defaultdict(Decimal)
    pictures = BatchPicture.objects.filter(batch__in=batches).order_by()
    sums = pictures.values_list("batch", "state").annotate(Count("pk"), Sum("charged"))
    for pk, state, number, credits_ in sums:
        counts[pk][state] += number
        charged[pk] += credits_
    return [_progress(batch, counts[batch.pk], charged[batch.pk]) for batch in batches]


def _progress(batch: Batch, counts: Counter[str], charged: Decimal) -> dict[str, Any]:
    total = counts.total()
    ended = total - counts[State.WAITING] - counts[State.WORKING]
    return {
        "id": batch.batch_id,
        "state": batch.state,
        "createdAt": batch.created_at.isoformat(),
        "keptUntil": batch.expires_at.isoformat(),
        "pictures": {"total": total} | {state.value: counts[state] for state in State},
        "progress": round(ended / total, 4) if total else 0.0,
        "creditsCharged": float(charged),
    }


def as_dict(picture: BatchPicture) -> dict[str, Any]:
    """The picture as the API returns it."""
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
    """Delete expired batches with their files; the number deleted."""
    expired = Batch.objects.filter(expires_at__lte=now or timezone.now())
    return expired.delete()[1].get(Batch._meta.label, 0)


def sweep(now: datetime | None = None) -> int:
    """Delete files without a row; the number deleted."""
    return storage.sweep(FOLDER, _owned_files, now)


def _owned_files() -> set[str]:
    pictures = BatchPicture.objects.only("token", "request_id", "state")
    unfinished = pictures.filter(state__in=(State.WAITING, State.WORKING))
    with_result = pictures.filter(state__in=(State.WORKING, State.DONE))
    originals = {original_name(picture.token) for picture in unfinished}
    return originals.union(*map(result_names, with_result))


def delete_files(instance: BatchPicture, **signal: Any) -> None:
    """A row takes its files along, whoever deletes it; one that stays behind is swept later."""
    names = original_name(instance.token), *result_names(instance)
    transaction.on_commit(partial(storage.discard, *names), robust=True)


def original_name(token: str) -> str:
    return f"{FOLDER}/{token}-original"


def result_names(picture: BatchPicture) -> tuple[str, str]:
    """The names that its result may have. The first belongs to the current attempt alone, so a late
    worker of an earlier attempt cannot touch it. Earlier releases used the second."""
    token = picture.token
    return f"{FOLDER}/{token}-{picture.request_id}-result", f"{FOLDER}/{token}-result"


def result_of(picture: BatchPicture) -> bytes:
    """Raises FileNotFoundError, StorageFailed."""
    name, earlier = result_names(picture)
    try:
        return storage.get(name)
    except FileNotFoundError:
        return storage.get(earlier)


def _kept_until() -> datetime:
    return timezone.now() + timedelta(seconds=settings.REMOVAL_BATCH_KEEP_SECONDS)
