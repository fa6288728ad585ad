"""How long work on one picture may take before it is ended by force."""

from django.conf import settings

from .job import Job
from .pace import Pace

STUCK_SHARE = 0.5  # of its time that work may take before its place counts as stuck


def seconds(pace: Pace, job: Job) -> float:
    """Many times what the picture should take, so that only a step that is stuck meets it."""
    expected = pace.expected(job.header, job.options)
    return max(settings.REMOVAL_WORK_SECONDS, settings.REMOVAL_WORK_FACTOR * expected)
