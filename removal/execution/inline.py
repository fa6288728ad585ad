"""Runs the engine in this process, in one of its bounded places."""

import time

from removal import capacity, engine, metrics
from removal.engine import memory
from removal.errors import ClientGone, TookTooLong

from .job import Job


def run(job: Job) -> engine.Result:
    """Work as soon as there is a place; looks between stages whether it is still worth while."""

    def checkpoint(stage: str) -> None:
        if time.monotonic() > job.deadline:
            raise TookTooLong
        if job.disconnected():
            raise ClientGone

    with capacity.shared().place(job.disconnected):
        checkpoint("start")
        stopwatch = metrics.Stopwatch(checkpoint)
        try:
            result = engine.remove_background(
                job.data, job.options, header=job.header, checkpoint=stopwatch
            )
            metrics.count_stages(stopwatch.stages())
            return result
        finally:
            memory.trim()
