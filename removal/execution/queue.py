"""Runs the engine in a worker: the web tier's half (worker.py is the other).

    store the picture -> wait for a slot -> enqueue -> wait -> fetch the result -> delete

Pictures go through the storage, only messages through Redis. The web tier answers in time even if
the worker dies: it checks that a worker is alive and stops by itself. Nothing is retried here; the
client decides about that.
"""

import logging
import time
import uuid
from contextlib import suppress

import structlog
from kombu.exceptions import KombuError
from redis import RedisError

from removal import capacity, engine
from removal.errors import ClientGone, EngineUnavailable, TookTooLong
from removal.execution import tasks

from . import answers, blobs, mailbox, wire
from .job import Job

log = logging.getLogger(__name__)
LATE_SECONDS = 10  # after the deadline, before Celery kills a worker process that still works
LOOK_SECONDS = 0.25  # how often the waiting thread checks client and worker


def run(job: Job) -> engine.Result:
    work = uuid.uuid4().hex
    with structlog.contextvars.bound_contextvars(work=work):  # the id in the worker's log
        return _run(work, job)


def _run(work: str, job: Job) -> engine.Result:
    try:
        blobs.put(work, blobs.PICTURE, job.data)
        if job.beside:
            blobs.put(work, blobs.BESIDE, job.beside)
        with capacity.shared().slot(job.disconnected, job.goes_first):
            answer = _have_it_done(work, job)
        return answers.result_of(wire.load_answer(answer), lambda: blobs.get(work, blobs.RESULT))
    except answers.WorkFailed as error:
        error.add_note(f"The worker's log calls it {work}.")
        raise
    finally:
        blobs.discard(work)


def _have_it_done(work: str, job: Job) -> str:
    _enqueue(work, job)
    try:
        return _wait(work, job)
    except BaseException:
        with suppress(RedisError):
            mailbox.cancel(work)
        raise


def _enqueue(work: str, job: Job) -> None:
    left = job.deadline - time.monotonic()
    if left <= 0:
        raise TookTooLong
    order = wire.dump_order(wire.Order(job.options, job.header, len(job.data), job.mending))
    try:
        tasks.remove_background.apply_async(
            (work, order, left), expires=left, time_limit=left + LATE_SECONDS, queue=job.queue
        )
    except KombuError as error:
        raise EngineUnavailable(detail=repr(error)) from error


def _wait(work: str, job: Job) -> str:
    """Wait for the worker's answer. Raises ClientGone, TookTooLong, or EngineUnavailable if no
    worker is alive."""
    while True:
        left = job.deadline - time.monotonic()
        if left <= 0:
            raise TookTooLong
        answer = mailbox.wait_for_answer(work, min(left, LOOK_SECONDS))
        if answer is not None:
            return answer
        if job.disconnected():
            raise ClientGone
        if mailbox.is_lost(work):
            answer = mailbox.wait_for_answer(
                work, LOOK_SECONDS
            )  # may have raced with the worker's death
            if answer is None:
                raise EngineUnavailable(detail=f"No worker answers for {work}")
            return answer
