"""Ways to run the engine behind one interface: `run(job) -> Result`.

inline: in this process.   queue: in a worker, which may be on another machine.
"""

from django.conf import settings

from removal.engine import Result
from removal.errors import NothingFound

from . import inline
from .job import Job

__all__ = ["Job", "run"]


def run(job: Job) -> Result:
    """Wait for a place, then have the picture worked on; given up when time or client has gone.

    Raises NothingFound where the job needs a foreground, StartedTooLate, TookTooLong,
    ClientGone, EngineUnavailable and the engine's errors.
    """
    result = _run(job)
    if job.needs_foreground and not result.facts.result_foreground:
        raise NothingFound
    return result


def _run(job: Job) -> Result:
    if settings.REMOVAL_EXECUTION == "inline":
        return inline.run(job)
    from . import queue  # brings Celery along, which an installation without workers can do without

    return queue.run(job)
