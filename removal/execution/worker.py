"""Has pictures worked on in a worker process: the other half of queue.py.

The engine runs in a process that this one starts and can end (pool.py), so a step that is stuck
keeps neither the worker nor its word that it lives.
"""

import logging
import math
import os
import socket
import threading
import time
import uuid
from dataclasses import replace
from functools import cache

from redis import RedisError

from removal import engine
from removal.engine import memory
from removal.errors import ClientGone, RemovalError

from . import blobs, mailbox, wire
from .job import Job
from .pool import Pool, Slot

log = logging.getLogger(__name__)
ASK_SECONDS = 1  # how often it is asked whether work is cancelled: each time costs a way to Redis


def start() -> None:
    """Make a new process ready: only after the fork, which its threads would not survive.

    Without its weights a process tells nobody that it is there, and /readyz says so.
    """
    memory.share_arenas()
    _pool().start()
    (slot,) = _pool().slots
    threading.Thread(target=_beat, args=(_name(), slot), name="beat", daemon=True).start()


def perform(work: str, order: str, seconds: float) -> None:
    """Do one piece of work and leave the answer, whatever comes of it, for who waits.

    seconds: for which somebody does.
    """
    mailbox.take(work, _name())
    try:
        deadline = time.monotonic() + seconds
        mailbox.answer(work, wire.dump_answer(_answer(work, wire.load_order(order), deadline)))
        if mailbox.is_cancelled(work):
            blobs.discard(work)  # nobody else will: the web tier had cleared up before
    finally:
        memory.trim()  # nobody has to wait for that


def _answer(work: str, order: wire.Order, deadline: float) -> wire.Answer:
    try:
        answer, content = _pool().run(_job(work, order, deadline))
        if isinstance(answer, wire.Done):
            blobs.put(work, blobs.RESULT, content)
    except (engine.EngineError, RemovalError) as error:
        return wire.Failed(error)
    except Exception as error:
        log.exception("Work %s failed", work)
        return wire.Broken(repr(error))
    if isinstance(answer, wire.Broken):
        log.error("Work %s failed: %s", work, answer.detail)
    return answer


def _job(work: str, order: wire.Order, deadline: float) -> Job:
    """Raises ClientGone where nobody waits any more, and EngineUnavailable."""
    options, cancelled = order.options, Cancelled(work)
    if cancelled():
        raise ClientGone
    if options.background_image is not None:
        options = replace(options, background_image=blobs.get(work, blobs.BACKGROUND))
    picture = blobs.get(work, blobs.PICTURE)
    return Job(picture, order.header, options, deadline, cancelled)


class Cancelled:
    """Whether nobody waits for the work any more; asked at most every ASK_SECONDS."""

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
    """This process's own; Celery starts as many processes as there are to be."""
    return Pool(1)


def _beat(name: str, slot: Slot) -> None:
    """Tell every second that this process lives; silence is how a killed one is noticed."""
    pause, info = threading.Event(), None
    while True:
        state, warm = slot.state, slot.warm
        info = warm.info if warm is not None else info
        if info is not None and state != "failed":
            _report(name, {"model": info.model, "device": info.device, "state": state})
        pause.wait(mailbox.BEAT_SECONDS)


def _report(name: str, what: dict[str, str]) -> None:
    try:
        mailbox.report(name, what)
    except RedisError as error:
        log.warning("This worker cannot tell that it lives: %s", error)


_names: dict[int, str] = {}


def _name() -> str:
    """Of this process; a number alone may be given to a later one."""
    own = os.getpid()
    return _names.setdefault(own, f"{socket.gethostname()}:{own}:{uuid.uuid4().hex[:8]}")
