"""Ways to run the engine behind one interface: `run(job) -> Result`.

inline: in processes of this web process.   queue: in workers, perhaps on another machine.

Engine processes import this package, too, and need neither Django's models nor Celery: what brings
them along is imported where it is used.
"""

from django.conf import settings

from removal.engine import Result

from .job import Job

__all__ = ["Job", "run"]


def run(job: Job) -> Result:
    """Wait for a place, then have the picture worked on; given up when time or client has gone.

    Raises NothingFound where the job needs a foreground, StartedTooLate, TookTooLong,
    ClientGone, EngineUnavailable and the engine's errors.
    """
    from removal.errors import NothingFound

    result = _run(job)
    if job.needs_foreground and not result.facts.result_foreground:
        raise NothingFound
    return result


def _run(job: Job) -> Result:
    if settings.REMOVAL_EXECUTION == "inline":
        from . import inline

        return inline.run(job)
    from . import queue

    return queue.run(job)
