"""How many threads one request may use: REMOVAL_THREADS, by default the cores we may run on.

With several places, requests would otherwise fight for the same cores.
"""

import os


def count() -> int:
    return configured() or available_cores()


def configured() -> int:
    """REMOVAL_THREADS, or 0 where it says nothing."""
    value = os.environ.get("REMOVAL_THREADS", "")
    return int(value) if value.isdigit() else 0


def available_cores() -> int:
    """The cores this process may be scheduled on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
