"""Runs the engine in this process, in one of its bounded places."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from removal import capacity, engine
from removal.engine import memory
from removal.errors import ClientGone, NothingFound, TookTooLong


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to work on. `deadline` is in time.monotonic() seconds."""

    data: bytes
    header: engine.Header
    options: engine.Options
    deadline: float
    gone: Callable[[], bool]
    needs_foreground: bool = False


def run(job: Job) -> engine.Result:
    """Wait for a place, then work; given up between stages when time or the client has gone.

    Raises NothingFound where the job needs a foreground, StartedTooLate, TookTooLong,
    ClientGone and the engine's errors.
    """

    def checkpoint(stage: str) -> None:
        if time.monotonic() > job.deadline:
            raise TookTooLong
        if job.gone():
            raise ClientGone

    with capacity.shared().place(job.gone):
        checkpoint("start")
        try:
            result = engine.remove_background(
                job.data, job.options, header=job.header, checkpoint=checkpoint
            )
        finally:
            memory.trim()
    if job.needs_foreground and not result.facts.result_foreground:
        raise NothingFound
    return result
