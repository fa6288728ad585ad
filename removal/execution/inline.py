"""Runs the engine in this process, in one of its bounded places."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from removal import capacity, engine
from removal.errors import ClientGone, TookTooLong


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to work on. `deadline` is in time.monotonic() seconds."""

    data: bytes
    header: engine.Header
    options: engine.Options
    deadline: float
    gone: Callable[[], bool]


def run(job: Job) -> engine.Result:
    """Wait for a place, then work; given up between stages when time or the client has gone.

    Raises StartedTooLate, TookTooLong, ClientGone and the engine's errors.
    """

    def checkpoint(stage: str) -> None:
        if time.monotonic() > job.deadline:
            raise TookTooLong
        if job.gone():
            raise ClientGone

    with capacity.shared().place(job.gone):
        checkpoint("start")
        return engine.remove_background(
            job.data, job.options, header=job.header, checkpoint=checkpoint
        )
