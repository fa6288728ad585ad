"""Has the engine run by a worker: the web tier's half of it (worker.py is the other).

    store the picture -> wait for a place -> enqueue -> wait for word -> fetch the result -> delete

Pictures travel through the storage, only words through Redis. Whatever becomes of the worker, the
web tier answers in time: it looks whether a worker still lives and gives up by itself. Nothing is
tried twice here; the client decides about that.
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
LATE_SECONDS = 10  # after the deadline, until Celery ends a worker process that still works
LOOK_SECONDS = 0.25  # how often whoever waits looks whether client and worker are still there


def run(job: Job) -> engine.Result:
    work = uuid.uuid4().hex
    with structlog.contextvars.bound_contextvars(work=work):  # by which the worker's log calls it
        return _run(work, job)


def _run(work: str, job: Job) -> engine.Result:
    background = job.options.background_image
    try:
        blobs.put(work, blobs.PICTURE, job.data)
        if background is not None:
            blobs.put(work, blobs.BACKGROUND, background)
        with capacity.shared().place(job.disconnected, job.goes_first):
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
    order = wire.dump_order(wire.Order(job.options, job.header, len(job.data)))
    try:
        tasks.remove_background.apply_async(
            (work, order, left), expires=left, time_limit=left + LATE_SECONDS, queue=job.queue
        )
    except KombuError as error:
        raise EngineUnavailable(detail=repr(error)) from error


def _wait(work: str, job: Job) -> str:
    """The worker's answer. Raises ClientGone, TookTooLong, or EngineUnavailable where no worker
    is left to give one."""
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
            answer = mailbox.wait_for_answer(work, LOOK_SECONDS)  # perhaps its last word
            if answer is None:
                raise EngineUnavailable(detail=f"No worker answers for {work}")
            return answer
