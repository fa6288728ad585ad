"""Runs the engine in one of this web process's engine processes, as soon as a slot is free."""

import time

from removal import capacity, engine
from removal.engine import memory
from removal.errors import ClientGone, TookTooLong

from . import answers, pool
from .job import Job


def run(job: Job) -> engine.Result:
    with capacity.shared().slot(job.disconnected, job.goes_first):
        if time.monotonic() > job.deadline:
            raise TookTooLong
        if job.disconnected():
            raise ClientGone
        answer, content = pool.shared().run(job)
    memory.trim()
    return answers.result_of(answer, lambda: content)
