"""How many threads one request may use: REMOVAL_THREADS, by default the cores we may run on.

With several slots, requests would otherwise fight for the same cores.
"""

import os

from .environment import Environment


def count(environment: Environment | None = None) -> int:
    return configured(environment) or available_cores()


def configured(environment: Environment | None = None) -> int:
    """REMOVAL_THREADS, or 0 where it says nothing. ModelUnavailable where it is no number."""
    return (environment or Environment()).whole("REMOVAL_THREADS")


def available_cores() -> int:
    """The cores this process may be scheduled on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
