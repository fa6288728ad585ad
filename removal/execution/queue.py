"""Runs the engine in a worker: the web tier's half (worker.py is the other).

    store the picture -> wait for a slot -> enqueue -> wait -> fetch the result -> delete

A request's thread does all of that (`run`). Of batches one thread collects the answers to many
pictures (`Work`); each names its files in the storage, where the result stays.

Pictures go through the storage, only messages through Redis. The web tier answers in time even if
the worker dies: it checks that a worker is alive and stops by itself. Nothing is retried here; the
client decides about that.
"""

import logging
import time
import uuid
from contextlib import ExitStack, suppress
from typing import Self

import structlog
from kombu.exceptions import KombuError
from redis import RedisError

from removal import capacity, engine, storage
from removal.errors import ClientGone, EngineUnavailable, TookTooLong
from removal.execution import tasks

from . import answers, blobs, mailbox, wire
from .job import Job

log = logging.getLogger(__name__)
LATE_SECONDS = 10  # after the deadline, before Celery kills a worker process that still works
LOOK_SECONDS = 0.25  # how often the waiting thread checks client and worker


def run(job: Job) -> engine.Result:
    work = Work(job)
    # The id in the worker's log.
    with structlog.contextvars.bound_contextvars(work=work.id), work:
        work.begin()
        while True:
            answered = mailbox.wait_for_answer([work.id], LOOK_SECONDS) or work.look()
            if answered is not None:
                return work.result(answered.message)


class Work:
    """A job on its way through a worker. Leaving its context frees its slot and deletes its files,
    and cancels it if it has not been answered."""

    def __init__(self, job: Job) -> None:
        self.id = uuid.uuid4().hex
        self._job = job
        self._files = job.files or blobs.files_of(self.id)
        self._left_behind = {self._files.result}
        self._slot = ExitStack()
        self._is_awaited = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._is_awaited:
            with suppress(RedisError):
                mailbox.cancel(self.id)
        self._slot.close()
        storage.discard(*self._left_behind)

    def begin(self) -> None:
        """Wait for a slot and enqueue. Raises StartedTooLate, ClientGone, TookTooLong and
        EngineUnavailable."""
        job = self._job
        if job.files is None:
            self._left_behind.add(self._files.picture)
            blobs.put(self._files.picture, job.data)
        if job.beside:
            beside = blobs.beside_of(self.id)
            self._left_behind.add(beside)
            blobs.put(beside, job.beside)
        self._slot.enter_context(capacity.shared().slot(job.disconnected, job.goes_first))
        self._is_awaited = True
        self._enqueue()

    def look(self) -> mailbox.Answered | None:
        """Check client and worker. Returns the last answer of a worker that has died.

        Raises ClientGone, TookTooLong, or EngineUnavailable if no worker is alive.
        """
        if time.monotonic() >= self._job.deadline:
            raise TookTooLong
        if self._job.disconnected():
            raise ClientGone
        if not mailbox.is_lost(self.id):
            return None
        # It may have raced with the worker's death.
        answered = mailbox.wait_for_answer([self.id], LOOK_SECONDS)
        if answered is None:
            raise EngineUnavailable(detail=f"No worker answers for {self.id}")
        return answered

    def result(self, message: str) -> engine.Result:
        """The result in the worker's answer, without its bytes if the job names its files.

        Raises the engine's error, WorkFailed or EngineUnavailable.
        """
        self._is_awaited = False
        self._slot.close()
        try:
            result = answers.result_of(wire.load_answer(message), self._content)
        except answers.WorkFailed as error:
            error.add_note(f"The worker's log calls it {self.id}.")
            raise
        if self._job.files is not None:
            self._left_behind.discard(self._files.result)
        return result

    def _content(self) -> bytes:
        return blobs.get(self._files.result) if self._job.files is None else b""

    def _enqueue(self) -> None:
        job, left = self._job, self._job.deadline - time.monotonic()
        if left <= 0:
            raise TookTooLong
        order = wire.dump_order(wire.Order.of(job))
        named = [] if job.files is None else [[job.files.picture, job.files.result]]
        try:
            tasks.remove_background.apply_async(
                (self.id, order, left, *named),
                expires=left,
                time_limit=left + LATE_SECONDS,
                queue=job.queue,
            )
        except KombuError as error:
            raise EngineUnavailable(detail=repr(error)) from error
