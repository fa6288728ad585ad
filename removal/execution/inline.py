"""Runs the engine in one of this process's own engine processes, as soon as there is a place."""

import time

from removal import capacity, engine
from removal.engine import memory
from removal.errors import ClientGone, TookTooLong

from . import answers, pool
from .job import Job


def run(job: Job) -> engine.Result:
    with capacity.shared().place(job.disconnected, job.goes_first):
        if time.monotonic() > job.deadline:
            raise TookTooLong
        if job.disconnected():
            raise ClientGone
        answer, content = pool.shared().run(job)
    memory.trim()
    return answers.result_of(answer, lambda: content)
