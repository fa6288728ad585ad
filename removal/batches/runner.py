"""Processes the next picture of any batch, with the same service as single requests.

A picture is claimed by an UPDATE that only one worker can win, for as long as a request may last;
if the worker is killed, the claim expires and the picture is processed again. It is charged in the
transaction that marks it as done, so never twice.
"""

import uuid
from collections.abc import Callable, Collection
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.errors import AccountSuspended, KeyRevoked
from billing import ledger
from billing.models import Hold
from removal import engine, execution, services, storage
from removal.errors import (
    ClientGone,
    EngineUnavailable,
    InternalError,
    RemovalError,
    SlowDown,
    StartedTooLate,
)
from removal.limits import HourUsedUp
from removal.models import Batch, BatchPicture, Removal
from removal.outcomes import Outcome

from . import loop, register, webhooks
from .fair_queue import FairQueue

State = BatchPicture.State
MOST_ATTEMPTS = 5  # for temporary failures: a full storage, a dead worker, a deadline
TEST_PAUSE = timedelta(minutes=5)  # the minimum wait when no free test is left
PAUSE = timedelta(seconds=2)  # before a picture that found no free slot is retried
CANDIDATES = 5  # candidates, of which another worker may claim some first
_queue = FairQueue()


class BatchResultStore:
    """Stores one picture's result (a services.ResultStore); its original is stored already.

    files: the names of both in the storage.
    """

    def __init__(self, picture: BatchPicture) -> None:
        self._mine = BatchPicture.objects.filter(
            pk=picture.pk, state=State.WORKING, request_id=picture.request_id
        )
        self._picture = picture
        self._size = 0
        self.files = execution.Files(
            register.original_name(picture.token), register.result_names(picture)[0]
        )

    def is_wanted(self) -> bool:
        """Whether the batch still needs this attempt."""
        return self._mine.exists()

    def take(self, data: bytes) -> None:
        """Do nothing: the original was stored when it was sent."""

    def store(self, content: bytes) -> None:
        """Raises EngineUnavailable if the file is missing that a worker should have stored."""
        if content:
            storage.put(self.files.result, content)
        self._size = len(content) or storage.size_of(self.files.result)
        if not self._size:
            raise EngineUnavailable(detail=f"{self.files.result} is missing")

    def remember(self, outcome: dict[str, Any], hold: Hold | None) -> None:
        """Raises ClientGone if the batch was cancelled, or another worker has taken over.

        What is stored is delivered: no process that dies now must lead to a refund.
        """
        columns = {"outcome": outcome, "hold": hold, "charged": Decimal(outcome["charged"])}
        register.lock(self._picture.batch_id)
        if not self._mine.update(state=State.DONE, size=self._size, **columns):
            raise ClientGone
        if hold is not None:
            ledger.mark_delivered(hold)
        self._picture.refresh_from_db()
        _ended(self._picture, "picture.done")

    def give_up(self) -> None:
        """Do nothing: a file without its row is purged later."""


def start() -> None:
    """Start REMOVAL_BATCH_WORKERS threads that run for as long as the process lives."""
    for number in range(settings.REMOVAL_BATCH_WORKERS):
        loop.start(f"batch-{number}", work_on_next)


def work_on_next() -> bool:
    """Process one picture, if one is due."""
    picture = claim()
    if picture is None:
        return False
    conclude(picture, partial(_work_on, picture))
    return True


def conclude(picture: BatchPicture, work: Callable[[], Outcome]) -> None:
    """Record the outcome of a claimed picture, or its error."""
    try:
        work()
    except RemovalError as error:
        _not_done(picture, error)
    else:
        storage.discard(register.original_name(picture.token))


def claim(passed_over: Collection[int] = ()) -> BatchPicture | None:
    """Claim the next picture. Accounts alternate, picture by picture, whatever the number of their
    batches; so do an account's batches: the first picture of each, then the second ...

    passed_over: accounts that are to have none now."""
    now = timezone.now()
    due = BatchPicture.objects.filter(state__in=(State.WAITING, State.WORKING), due_at__lte=now)
    accounts = set(due.order_by().values_list("batch__user", flat=True).distinct())
    accounts -= set(passed_over)
    if not accounts:
        return None
    account = _queue.next_of(accounts, cost=1)
    for picture in due.filter(batch__user=account).order_by("number", "pk")[:CANDIDATES]:
        request_id = uuid.uuid4().hex
        same = BatchPicture.objects.filter(
            pk=picture.pk, state=picture.state, due_at=picture.due_at
        )
        if same.update(
            state=State.WORKING,
            due_at=now + _lease(),
            attempts=F("attempts") + 1,
            request_id=request_id,
        ):
            return BatchPicture.objects.select_related("batch__user", "batch__api_key").get(
                pk=picture.pk
            )
    return None


def _lease() -> timedelta:
    return timedelta(seconds=settings.REMOVAL_DEADLINE_SECONDS + settings.HOLD_GRACE_SECONDS)


def _work_on(picture: BatchPicture) -> Outcome:
    """Raises RemovalError."""
    steps = steps_of(picture)
    return services.finish(steps, partial(execution.run, next(steps)))


def steps_of(picture: BatchPicture) -> services.Steps:
    """The steps of services.Work for a claimed picture. Raises RemovalError."""
    if picture.attempts > MOST_ATTEMPTS:  # each attempt ended with a dead process
        raise InternalError(picture.request_id, settings.SUPPORT_EMAIL)
    batch, results = picture.batch, BatchResultStore(picture)
    caller = services.Caller(
        request_id=picture.request_id,
        via=Removal.Via.BATCH,
        concurrency_key=f"batches of user {batch.user_id}",
        key=batch.api_key,
        user=batch.user,
        pays=True,
        disconnected=lambda: not results.is_wanted(),
        endpoint="/api/v2/batches",
    )

    with services.admitted(caller) as work:
        _check_owner(batch)
        register.check_room(batch.user)  # results are larger than originals
        options = engine.parse_options(batch.fields)
        outcome = yield from work.steps(services.Order(results.files, options, results=results))
    return outcome


def _check_owner(batch: Batch) -> None:
    """Check the key and the account again, as the authentication of a request does."""
    if batch.api_key is None or batch.api_key.is_revoked:
        raise KeyRevoked
    if batch.user.is_suspended:
        raise AccountSuspended


def _not_done(picture: BatchPicture, error: RemovalError) -> None:
    """Retry after a temporary failure; otherwise the picture has failed."""
    mine = BatchPicture.objects.filter(
        pk=picture.pk, state=State.WORKING, request_id=picture.request_id
    )
    if isinstance(error, SlowDown | StartedTooLate):  # only busy, or too many tests: no attempt
        later = timezone.now() + _pause(error)
        mine.update(state=State.WAITING, due_at=later, attempts=F("attempts") - 1)
    elif error.status == 503 and picture.attempts < MOST_ATTEMPTS:
        mine.update(state=State.WAITING, due_at=timezone.now() + PAUSE * 2**picture.attempts)
    else:
        with transaction.atomic():
            register.lock(picture.batch_id)
            if mine.update(
                state=State.FAILED,
                size=0,
                error_status=error.status,
                error_code=error.code,
                error_message=error.message[:500],
            ):
                picture.refresh_from_db()
                _ended(picture, "picture.failed")
                name = register.original_name(picture.token)
                transaction.on_commit(lambda: storage.discard(name), robust=True)


def _pause(error: SlowDown | StartedTooLate) -> timedelta:
    if not isinstance(error, HourUsedUp):
        return PAUSE
    return max(timedelta(seconds=error.retry_after), TEST_PAUSE)


def _ended(picture: BatchPicture, event: str) -> None:
    webhooks.note(picture.batch, event, register.as_dict(picture))
    register.end_if_done(picture.batch)
