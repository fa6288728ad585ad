"""Bounded places for work and a short, fair queue before them.

Refusing early keeps the service quick for those who are in: without a limit, fifty clients at once
all wait for half a minute; with one, most are told at once to come back later.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from django.conf import settings

from .errors import ClientGone, SlowDown, StartedTooLate

POLL_SECONDS = 0.25  # how often a waiting request looks whether its client is still there


@dataclass(frozen=True, slots=True)
class Limits:
    places: int
    queue_length: int
    queue_seconds: float
    per_owner: int


class Capacity:
    """Counts who is in. One object a process; safe for threads."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._changed = threading.Condition()
        self._admitted = 0
        self._working = 0
        self._queue: deque[object] = deque()
        self._by_owner: Counter[str] = Counter()

    @contextmanager
    def admit(self, owner: str) -> Iterator[None]:
        """Let a request in, or raise SlowDown at once where everything is taken."""
        with self._changed:
            if self._by_owner[owner] >= self.limits.per_owner:
                raise SlowDown(
                    f"This key already has {self.limits.per_owner} requests under way. Wait for "
                    "one of them to finish."
                )
            if self._admitted >= self.limits.places + self.limits.queue_length:
                raise SlowDown
            self._admitted += 1
            self._by_owner[owner] += 1
        try:
            yield
        finally:
            with self._changed:
                self._admitted -= 1
                self._by_owner[owner] -= 1
                if not self._by_owner[owner]:
                    del self._by_owner[owner]

    def free_for(self, owner: str) -> int:
        """How many requests more this owner may have under way."""
        with self._changed:
            return self.limits.per_owner - self._by_owner.get(owner, 0)

    @contextmanager
    def place(self, gone: Callable[[], bool]) -> Iterator[None]:
        """Wait in line for a place to work in.

        Raises StartedTooLate after the queue's time, ClientGone where nobody waits any more.
        """
        ticket = object()
        deadline = time.monotonic() + self.limits.queue_seconds
        with self._changed:
            self._queue.append(ticket)
            try:
                while self._queue[0] is not ticket or self._working >= self.limits.places:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        raise StartedTooLate
                    self._changed.wait(min(left, POLL_SECONDS))
                    if gone():
                        raise ClientGone
                self._working += 1
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()


@cache
def shared() -> Capacity:
    """The capacity of this process, by the settings."""
    return Capacity(
        Limits(
            places=settings.REMOVAL_PLACES,
            queue_length=settings.REMOVAL_QUEUE_LENGTH,
            queue_seconds=settings.REMOVAL_QUEUE_SECONDS,
            per_owner=settings.REMOVAL_KEY_CONCURRENCY,
        )
    )
