"""The time limit for one picture, after which its process is killed."""

from django.conf import settings

from .job import Job
from .pace import Pace

STUCK_SHARE = 0.5  # of its time limit, after which a slot counts as stuck


def seconds(pace: Pace, job: Job) -> float:
    """Many times the expected duration, so that only a stuck step reaches it."""
    expected = pace.expected(job.header, job.options)
    return max(settings.REMOVAL_WORK_SECONDS, settings.REMOVAL_WORK_FACTOR * expected)
