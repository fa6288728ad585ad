"""Has the engine run by a worker: the web tier's half of it (worker.py is the other).

    store the picture -> wait for a place -> enqueue -> wait for word -> fetch the result -> delete

Pictures travel through the storage, only words through Redis. Whatever becomes of the worker, the
web tier answers in time: it looks whether a worker still lives and gives up by itself, and Celery
ends a worker process that is stuck. Nothing is tried twice here; the client decides about that.
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

from . import answers, blobs, budget, mailbox, wire
from .job import Job
from .pace import Pace

log = logging.getLogger(__name__)
LOOK_SECONDS = 0.25  # how often whoever waits looks whether client and worker are still there


def run(job: Job) -> engine.Result:
    work = uuid.uuid4().hex
    structlog.contextvars.bind_contextvars(work=work)  # by which the worker's log calls it
    background = job.options.background_image
    try:
        blobs.put(work, blobs.PICTURE, job.data)
        if background is not None:
            blobs.put(work, blobs.BACKGROUND, background)
        with capacity.shared().place(job.disconnected):
            answer = _have_it_done(work, job)
        return answers.result_of(wire.load_answer(answer), lambda: blobs.get(work, blobs.RESULT))
    finally:
        blobs.discard(work)


def _have_it_done(work: str, job: Job) -> str:
    seconds = _seconds(job)
    until = min(job.deadline, time.monotonic() + seconds)
    _enqueue(work, job, seconds)
    try:
        return _wait(work, job, until)
    except BaseException:
        with suppress(RedisError):
            mailbox.cancel(work)
        raise


def _seconds(job: Job) -> float:
    """That the slowest worker may take."""
    workers = mailbox.workers()
    if not workers:
        raise EngineUnavailable(detail="No worker is alive")
    return max(
        budget.seconds(Pace(worker["network"], worker["per_megapixel"]), job) for worker in workers
    )


def _enqueue(work: str, job: Job, seconds: float) -> None:
    """seconds: after which Celery ends the worker's process."""
    left = job.deadline - time.monotonic()
    if left <= 0:
        raise TookTooLong
    try:
        tasks.remove_background.apply_async(
            (work, wire.dump_options(job.options), seconds),
            expires=left, time_limit=seconds, queue=job.queue,
        )  # fmt: skip
    except KombuError as error:
        raise EngineUnavailable(detail=repr(error)) from error


def _wait(work: str, job: Job, until: float) -> str:
    """The worker's answer. Raises ClientGone, TookTooLong, or EngineUnavailable where no worker
    is left to give one."""
    while True:
        left = until - time.monotonic()
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
