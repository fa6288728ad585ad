"""Bounded places for work and a short, fair queue before them, for all processes together.

Refusing early keeps the service quick for those who are in: without a limit, fifty clients at once
all wait for half a minute; with one, most are told at once to come back later.

Who is in is written down as leases: in Redis where REDIS_URL names one, else in the database. A
lease lives for REMOVAL_LEASE_SECONDS and is renewed while its request runs, so what a killed
process held is free again that much later.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from django.conf import settings

from removal import metrics
from removal.errors import ClientGone, SlowDown, StartedTooLate

from .database import DatabaseLeases
from .leases import Lease, Leases
from .redis import RedisLeases
from .renewer import LeaseRenewer

log = logging.getLogger(__name__)
REQUESTS, PLACES = "requests", "places"  # the pools that all owners share
NEXT_SECONDS = 0.02  # how often the next in line looks for a place that another process left
FULL_SECONDS = 0.1  # how long a pool that was found full is known to be
LATER_SECONDS = 0.25  # how often those behind it look, and all whether their client is still there


@dataclass(frozen=True, slots=True)
class Limits:
    places: int
    queue_length: int
    queue_seconds: float
    per_owner: int


class Capacity:
    """Counts who is in, through `leases`. One object a process; safe for threads."""

    def __init__(self, limits: Limits, leases: Leases) -> None:
        self.limits = limits
        self._leases = leases
        self._renewer = LeaseRenewer(leases)
        self._left = threading.Condition()  # told when a place of this process is free again
        self._full: dict[str, float] = {}  # pool -> until when it counts as full

    @contextmanager
    def admit(self, key: str) -> Iterator[None]:
        """Let a request in, or raise SlowDown at once where everything is taken."""
        own = _own_pool(key)
        everybody = self.limits.places + self.limits.queue_length
        with self._lease({own: self.limits.per_owner, REQUESTS: everybody}) as (_, full):
            if full == own:
                raise SlowDown(
                    f"This key already has {self.limits.per_owner} requests under way. Wait for "
                    "one of them to finish.",
                    pool=own,
                )
            if full:
                raise SlowDown(pool=full)
            yield

    def is_known_full(self, pool: str) -> bool:
        """Whether it was full a moment ago and nobody of this process has left since."""
        return self._full.get(pool, 0) > time.monotonic()

    def free_for(self, key: str) -> int:
        """How many requests more this owner may have under way."""
        return self.limits.per_owner - self._leases.count(_own_pool(key))

    def in_line(self) -> tuple[int, int]:
        """How many pictures of all processes have a place, and how many wait for one."""
        line = self._leases.count(PLACES)
        taken = min(line, self.limits.places)
        return taken, line - taken

    @contextmanager
    def place(self, disconnected: Callable[[], bool]) -> Iterator[None]:
        """Wait in line for a place to work in.

        Raises StartedTooLate after the queue's time, ClientGone where nobody waits any more.
        """
        with self._lease({PLACES: None}) as (lease, _):
            with metrics.waiting():
                self._wait_in_line(lease, disconnected)
            yield

    def _wait_in_line(self, lease: Lease, disconnected: Callable[[], bool]) -> None:
        """Those at the head of the line have the places: whoever leaves lets the next one in."""
        deadline = time.monotonic() + self.limits.queue_seconds
        while (ahead := self._leases.ahead(lease, PLACES)) >= self.limits.places:
            left = deadline - time.monotonic()
            if left <= 0:
                raise StartedTooLate
            is_next = ahead < 2 * self.limits.places
            with self._left:
                self._left.wait(min(left, NEXT_SECONDS if is_next else LATER_SECONDS))
            if disconnected():
                raise ClientGone

    @contextmanager
    def _lease(self, pools: dict[str, int | None]) -> Iterator[tuple[Lease, str | None]]:
        """A lease in all of these pools, given up at the end; or the pool that is full."""
        lease = Lease(uuid.uuid4().hex, tuple(pools))
        full = self._leases.enter(lease, pools)
        if full:
            self._remember_full(full)
            yield lease, full
            return
        try:
            with self._renewer.renewing(lease):
                yield lease, None
        finally:
            self._give_up(lease)

    def _remember_full(self, pool: str) -> None:
        now = time.monotonic()
        known = {name: until for name, until in self._full.items() if until > now}
        self._full = known | {pool: now + FULL_SECONDS}

    def _give_up(self, lease: Lease) -> None:
        """The work is done, so a failure here takes nothing from it: the lease lapses by itself."""
        try:
            self._leases.leave(lease)
        except Exception:
            log.exception("A lease could not be given up; it lapses")
        self._full = {}
        with self._left:
            self._left.notify_all()


def _own_pool(key: str) -> str:
    return f"owner:{key}"


@cache
def shared() -> Capacity:
    """The capacity by the settings; the same in every process that has the same settings."""
    life = settings.REMOVAL_LEASE_SECONDS
    return Capacity(
        Limits(
            places=settings.REMOVAL_PLACES,
            queue_length=settings.REMOVAL_QUEUE_LENGTH,
            queue_seconds=settings.REMOVAL_QUEUE_SECONDS,
            per_owner=settings.REMOVAL_KEY_CONCURRENCY,
        ),
        RedisLeases(settings.REDIS_URL, life) if settings.REDIS_URL else DatabaseLeases(life),
    )
