"""How many threads one request may use: REMOVAL_THREADS, by default the cores we may run on.

With several places, requests would otherwise fight for the same cores.
"""

import os


def count() -> int:
    configured = os.environ.get("REMOVAL_THREADS", "")
    if configured.isdigit() and int(configured) > 0:
        return int(configured)
    return available_cores()


def available_cores() -> int:
    """The cores this process may be scheduled on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
