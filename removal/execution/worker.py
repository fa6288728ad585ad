"""Runs the engine in a worker process: the other half of queue.py."""

import logging
import math
import os
import socket
import threading
import time
import uuid
from dataclasses import dataclass, replace
from typing import Any

from redis import RedisError

from removal import engine
from removal.engine import memory
from removal.errors import RemovalError

from . import blobs, budget, mailbox, pace, wire
from .stopwatch import Stopwatch

log = logging.getLogger(__name__)
ASK_SECONDS = 0.1  # how often work is asked about at most: each time costs a way to Redis


@dataclass(slots=True)
class Work:
    """What this process is at, for its beat; times in time.monotonic() seconds."""

    began: float = 0.0
    seconds: float = 0.0  # that it may take; 0 where there is none

    @property
    def is_stuck(self) -> bool:
        late = self.began + self.seconds * budget.STUCK_SHARE
        return self.seconds > 0 and time.monotonic() > late


_work = Work()


def start() -> None:
    """Make a new process ready: only after the fork, as a network's threads do not survive one.

    Without its weights a process tells nobody that it is there, and /readyz says so.
    """
    memory.share_arenas()
    try:
        info, own_pace = pace.measure()
    except engine.ModelUnavailable as error:
        log.error("The engine is not ready: %s", error)
        return
    log.info("The engine is ready: %s", info)
    what = {
        "model": info.model, "device": info.device,
        "network": own_pace.network, "per_megapixel": own_pace.per_megapixel,
    }  # fmt: skip
    threading.Thread(target=_beat, args=(_name(), what), name="beat", daemon=True).start()


def perform(work: str, options: dict[str, object], seconds: float = 0) -> None:
    """Do one piece of work and leave the answer, whatever comes of it, for who waits.

    seconds: after which Celery ends this process.
    """
    mailbox.take(work, _name())
    _work.began, _work.seconds = time.monotonic(), seconds
    try:
        mailbox.answer(work, wire.dump_answer(_answer(work, wire.load_options(options))))
        if mailbox.is_cancelled(work):
            blobs.discard(work)  # nobody else will: the web tier had cleared up before
    finally:
        _work.seconds = 0
        memory.trim()  # nobody has to wait for that


def _answer(work: str, options: engine.Options) -> wire.Answer:
    checkpoint = Checkpoint(work)
    stopwatch = Stopwatch(checkpoint)
    try:
        checkpoint("start")
        result = _remove_background(work, options, stopwatch)
        stages = stopwatch.stages()
        blobs.put(work, blobs.RESULT, result.content)
    except (engine.EngineError, RemovalError) as error:
        return wire.Failed(error)
    except Exception as error:
        log.exception("Work %s failed", work)
        return wire.Broken(repr(error))
    return wire.Done(result.media_type, result.facts, stages)


class Checkpoint:
    """Gives work up that nobody waits for any more; stages that are short are not asked about."""

    def __init__(self, work: str) -> None:
        self._work = work
        self._asked = -math.inf

    def __call__(self, stage: str) -> None:
        now = time.monotonic()
        if now < self._asked + ASK_SECONDS:
            return
        self._asked = now
        if mailbox.is_cancelled(self._work):
            raise engine.Cancelled


def _remove_background(work: str, options: engine.Options, stopwatch: Stopwatch) -> engine.Result:
    if options.background_image is not None:
        options = replace(options, background_image=blobs.get(work, blobs.BACKGROUND))
    picture = blobs.get(work, blobs.PICTURE)
    return engine.remove_background(picture, options, checkpoint=stopwatch)


def _beat(name: str, what: dict[str, Any]) -> None:
    """Tell every second that this process lives; silence is how a killed one is noticed."""
    pause = threading.Event()
    while True:
        try:
            mailbox.report(name, what | {"stuck": _work.is_stuck})
        except RedisError as error:
            log.warning("This worker cannot tell that it lives: %s", error)
        pause.wait(mailbox.BEAT_SECONDS)


_names: dict[int, str] = {}


def _name() -> str:
    """Of this process; a number alone may be given to a later one."""
    own = os.getpid()
    return _names.setdefault(own, f"{socket.gethostname()}:{own}:{uuid.uuid4().hex[:8]}")
