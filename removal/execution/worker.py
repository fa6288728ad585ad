"""Processes pictures in a worker: the other half of queue.py.

The engine runs in a process that this one starts and can kill (pool.py), so a stuck step blocks
neither the worker nor its heartbeat.
"""

import logging
import math
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from redis import RedisError

from removal import engine, storage
from removal.engine import memory
from removal.errors import ClientGone, RemovalError

from . import blobs, mailbox, wire
from .job import Files, Job
from .pool import Pool, Slot

log = logging.getLogger(__name__)
ASK_SECONDS = 1  # how often to check for cancellation: each check is a round trip to Redis


def start() -> None:
    """Prepare a new process: only after the fork, which its threads would not survive.

    One whose engine does not start sends the reason in place of its heartbeat, for /readyz.
    """
    memory.share_arenas()
    _pool().start()
    (slot,) = _pool().slots
    threading.Thread(target=_beat, args=(_name(), slot), name="beat", daemon=True).start()


def perform(work: str, order: str, seconds: float, named: Sequence[str] = ()) -> None:
    """Process one picture and send the answer in every case.

    seconds: how long the web tier waits.
    named: the Files of a job that names its own.
    """
    mailbox.take(work, _name())
    files = Files(*named) if named else blobs.files_of(work)
    try:
        deadline = time.monotonic() + seconds
        answer = _answer(work, order, files, deadline)
        mailbox.answer(work, wire.dump_answer(answer))
        if mailbox.is_cancelled(work):
            storage.discard(files.result)  # the web tier has already cleaned up
    finally:
        memory.trim()  # the caller need not wait for this


def _answer(work: str, order: str, files: Files, deadline: float) -> wire.Answer:
    try:
        answer, content = _pool().run(_job(work, wire.load_order(order), files.picture, deadline))
        if isinstance(answer, wire.Done):
            blobs.put(files.result, content)
    except (engine.EngineError, RemovalError) as error:
        return wire.Failed(error)
    except Exception as error:
        log.exception("Work %s failed", work)
        return wire.Broken(repr(error))
    if isinstance(answer, wire.Broken):
        log.error("Work %s failed: %s", work, answer.detail)
    return answer


def _job(work: str, order: wire.Order, name: str, deadline: float) -> Job:
    """Raises ClientGone if nobody waits any more, and EngineUnavailable."""
    cancelled = Cancelled(work)
    if cancelled():
        raise ClientGone
    return Job(
        blobs.get(name),
        order.header,
        order.options,
        deadline,
        cancelled,
        beside=blobs.get(blobs.beside_of(work)) if order.has_beside else b"",
        max_result_pixels=order.max_result_pixels,
        mending=order.mending,
    )


class Cancelled:
    """Whether the work is cancelled; checked at most every ASK_SECONDS."""

    def __init__(self, work: str) -> None:
        self._work = work
        self._asked = -math.inf
        self._is_cancelled = False

    def __call__(self) -> bool:
        now = time.monotonic()
        if not self._is_cancelled and now >= self._asked + ASK_SECONDS:
            self._asked = now
            self._is_cancelled = mailbox.is_cancelled(self._work)
        return self._is_cancelled


@cache
def _pool() -> Pool:
    """This process's own pool; Celery starts the processes."""
    return Pool(1)


def _beat(name: str, slot: Slot) -> None:
    """Send a heartbeat every second, so that a killed process is noticed by its silence."""
    pause, info = threading.Event(), None
    while True:
        state, warm, reason = slot.state, slot.warm, slot.reason
        info = warm.info if warm is not None else info
        with _logged():
            if state == "failed":
                mailbox.report_failure(name, reason)
            elif info is not None:
                what = {"model": info.model, "device": info.device, "state": state}
                mailbox.report(name, what)
        pause.wait(mailbox.BEAT_SECONDS)


@contextmanager
def _logged() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        log.warning("This worker cannot send its heartbeat: %s", error)


_names: dict[int, str] = {}


def _name() -> str:
    """A name for this process; a process id alone may be reused."""
    own = os.getpid()
    return _names.setdefault(own, f"{socket.gethostname()}:{own}:{uuid.uuid4().hex[:8]}")
