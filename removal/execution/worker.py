"""Runs the engine in a worker process: the other half of queue.py."""

import logging
import math
import os
import socket
import threading
import time
import uuid
from dataclasses import replace

from redis import RedisError

from removal import engine, metrics
from removal.engine import memory
from removal.errors import RemovalError
from removal.execution import readiness

from . import blobs, mailbox, wire

log = logging.getLogger(__name__)
ASK_SECONDS = 0.1  # how often work is asked about at most: each time costs a way to Redis


def start() -> None:
    """Make a new process ready: only after the fork, as a network's threads do not survive one.

    Without its weights a process tells nobody that it is there, and /readyz says so.
    """
    memory.share_arenas()
    state = readiness.warm()
    if not state.reasons:
        beat = threading.Thread(target=_beat, args=(_name(), state), name="beat", daemon=True)
        beat.start()


def perform(work: str, options: dict[str, object]) -> None:
    """Do one piece of work and leave the answer, whatever comes of it, for who waits."""
    mailbox.take(work, _name())
    try:
        mailbox.answer(work, wire.dump_answer(_answer(work, wire.load_options(options))))
        if mailbox.is_cancelled(work):
            blobs.discard(work)  # nobody else will: the web tier had cleared up before
    finally:
        memory.trim()  # nobody has to wait for that


def _answer(work: str, options: engine.Options) -> wire.Answer:
    checkpoint = Checkpoint(work)
    stopwatch = metrics.Stopwatch(checkpoint)
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


def _remove_background(
    work: str, options: engine.Options, stopwatch: metrics.Stopwatch
) -> engine.Result:
    if options.background_image is not None:
        options = replace(options, background_image=blobs.get(work, blobs.BACKGROUND))
    picture = blobs.get(work, blobs.PICTURE)
    return engine.remove_background(picture, options, checkpoint=stopwatch)


def _beat(name: str, state: readiness.State) -> None:
    """Tell every second that this process lives; silence is how a killed one is noticed."""
    pause = threading.Event()
    while True:
        try:
            mailbox.report(name, {"model": state.model, "device": state.device})
        except RedisError as error:
            log.warning("This worker cannot tell that it lives: %s", error)
        pause.wait(mailbox.BEAT_SECONDS)


_names: dict[int, str] = {}


def _name() -> str:
    """Of this process; a number alone may be given to a later one."""
    own = os.getpid()
    return _names.setdefault(own, f"{socket.gethostname()}:{own}:{uuid.uuid4().hex[:8]}")
