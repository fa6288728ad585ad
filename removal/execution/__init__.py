"""Ways to run the engine behind one interface: `run(job) -> Result`.

inline: in processes of this web process.   queue: in workers, possibly on another machine.

Engine processes import this package too, and need neither Django's models nor Celery: these are
only imported where they are used.
"""

from typing import TypeGuard

from django.conf import settings

from removal.engine import Result

from .job import Files, Job

__all__ = ["Files", "Job", "is_read_by_workers", "run"]


def is_read_by_workers(source: object) -> TypeGuard[Files]:
    """Whether this names files, and the engine runs in workers, which read them themselves."""
    return isinstance(source, Files) and settings.REMOVAL_EXECUTION == "queue"


def run(job: Job) -> Result:
    """Wait for a slot, then process the picture, up to the deadline or a disconnect.

    Raises NothingFound if the job needs a foreground, StartedTooLate, TookTooLong,
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
