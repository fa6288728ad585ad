"""Keeps a long-running process small: glibc's allocator holds on to what large pictures needed.

Each thread allocates from an arena of its own, and freed blocks between live ones are kept. Two
arenas serve as well as two dozen, and a trim after each picture returns what is free. On systems
without glibc both functions do nothing.
"""

import ctypes
import functools

_M_ARENA_MAX = -8  # of malloc.h
ARENAS = 2


def share_arenas() -> None:
    """Let all threads of the process allocate from a few arenas; call before they start."""
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_M_ARENA_MAX, ARENAS)


def trim() -> None:
    """Return free memory to the system; takes about a millisecond."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


@functools.cache
def _glibc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL(None)
        return libc if hasattr(libc, "malloc_trim") and hasattr(libc, "mallopt") else None
    except (OSError, TypeError):  # a static build, or Windows
        return None
