"""A bounded number of slots with a short, fair queue, shared by all processes.

Early refusals keep the service fast for admitted requests: without a limit, fifty concurrent
clients would all wait for half a minute; with one, most get 429 at once. No user can block the
others: each account has a limit of concurrent requests over all its keys; paid requests go first
and are only refused because of other paid ones; requests waiting for a foreign server hold neither
a slot nor a place in the queue.

Admitted requests hold leases, stored in Redis if REDIS_URL is set, otherwise in the database. A
lease lasts REMOVAL_LEASE_SECONDS and is renewed while its request runs, so the slot of a killed
process is free again after that time.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from django.conf import settings

from removal import metrics
from removal.errors import ClientGone, SlowDown, StartedTooLate

from .database import DatabaseLeases
from .leases import Full, Leases, Stay
from .leases import Limits as PoolLimits
from .redis import RedisLeases
from .renewer import LeaseRenewer

log = logging.getLogger(__name__)
# The shared pools. Each has one for all requests and one for paid requests, which are only limited
# by each other, so that they are admitted under any load.
REQUESTS, PAYING_REQUESTS = "requests", "paying requests"  # working or in the queue
FETCHES, PAYING_FETCHES = "fetches", "paying fetches"  # waiting for a foreign server
LINE, PAYING_LINE = "line", "paying line"  # waiting for a slot
# Working; open: not in a slot reserved for payers. The stored names stay for rolling upgrades.
SLOTS, OPEN_SLOTS = "places", "open places"
NEXT_SECONDS = 0.02  # how often the first in the queue checks for a slot freed by another process
FULL_SECONDS = 0.1  # how long a pool found full is assumed to be full
LATER_SECONDS = 0.25  # how often the others check, and all check their client's connection


@dataclass(frozen=True, slots=True)
class Limits:
    slots: int
    queue_length: int
    queue_seconds: float
    per_account: int
    per_key: int
    reserved_slots: int = 0  # of the slots, for paid requests only
    fetches: int = 8
    fetches_per_account: int = 5


@dataclass(frozen=True, slots=True)
class Claimant:
    """Whose requests are counted together, and whether they are paid.

    account: an account, a visitor's address, or the batches of an account.
    key: the API key, which has a limit of its own within the account's.
    """

    account: str
    key: str = ""
    pays: bool = False


class Capacity:
    """Counts requests by `leases`. One object for each process; thread-safe."""

    def __init__(self, limits: Limits, leases: Leases) -> None:
        self.limits = limits
        self._leases = leases
        self._renewer = LeaseRenewer(leases)
        self._left = threading.Condition()  # notified when a slot of this process is free again
        self._full: dict[str, float] = {}  # pool -> until when it counts as full

    @contextmanager
    def admit(self, claimant: Claimant) -> Iterator["Admission"]:
        """Admit a request, or raise SlowDown at once if everything is taken."""
        room = self.room(claimant.pays)
        with self._staying() as stay:
            full = self.enter(stay, {**self._own(claimant), **room})
            if full:
                self._remember_full(full.pool)
                raise self._refusal(full, claimant)
            yield Admission(self, stay, claimant)

    @contextmanager
    def taking_in(self, claimant: Claimant) -> Iterator[None]:
        """Unpack and store many pictures at once. It needs a thread but neither slot nor line, so
        it counts as fetches do. SlowDown where too many do so."""
        limits = {**self._own(claimant), **self.fetches(claimant.account, claimant.pays)}
        with self._staying() as stay:
            if full := self.enter(stay, limits):
                raise self._refusal(full, claimant)
            yield

    def is_known_full(self, pool: str) -> bool:
        """Whether it was recently full and no request of this process has left since."""
        return self._full.get(pool, 0) > time.monotonic()

    def free_for(self, claimant: Claimant) -> int:
        """How many more concurrent requests it may have."""
        own = self._own(claimant)
        return min(limit - self._leases.count(pool) for pool, limit in own.items())

    def in_line(self) -> tuple[int, int]:
        """How many pictures of all processes have a slot, and how many wait for one."""
        waiting = self._leases.count(PAYING_LINE) + self._leases.count(LINE)
        return self._leases.count(SLOTS), waiting

    @contextmanager
    def slot(self, disconnected: Callable[[], bool], goes_first: bool = False) -> Iterator[None]:
        """Wait in the queue for a slot.

        goes_first: before all others, and into reserved slots too.
        Raises StartedTooLate after the queue's time, ClientGone if the client disconnected.
        """
        with self._staying() as stay:
            with metrics.waiting():
                self._wait_for_place(stay, goes_first, disconnected)
            yield

    def _wait_for_place(
        self, stay: Stay, goes_first: bool, disconnected: Callable[[], bool]
    ) -> None:
        """The first in the queue takes a freed slot, in one atomic step."""
        deadline = time.monotonic() + self.limits.queue_seconds
        line, behind = (PAYING_LINE, [PAYING_LINE]) if goes_first else (LINE, [PAYING_LINE, LINE])
        slots = self._slots(goes_first)
        if not self.enter(stay, slots, behind=behind):
            return
        self.enter(stay, {line: None})
        while full := self.enter(stay, slots, leaving=[line], behind=behind):
            left = deadline - time.monotonic()
            if left <= 0:
                raise StartedTooLate
            is_next = full.over < self.limits.slots
            with self._left:
                self._left.wait(min(left, NEXT_SECONDS if is_next else LATER_SECONDS))
            if disconnected():
                raise ClientGone

    def enter(
        self,
        stay: Stay,
        limits: PoolLimits,
        leaving: Collection[str] = (),
        behind: Collection[str] = (),
    ) -> Full | None:
        """See Leases.enter."""
        full = self._leases.enter(stay.lease, limits, leaving, behind)
        if not full:
            stay.pools = stay.pools.difference(leaving).union(limits)
        return full

    def room(self, pays: bool) -> PoolLimits:
        """The pools of a request that works or waits in the queue."""
        limit = self.limits.slots + self.limits.queue_length
        return _shared(REQUESTS, PAYING_REQUESTS, limit, pays)

    def fetches(self, account: str, pays: bool) -> PoolLimits:
        """The pools of a request that waits for a foreign server."""
        own: PoolLimits = {f"fetches of {account}": self.limits.fetches_per_account}
        return {**own, **_shared(FETCHES, PAYING_FETCHES, self.limits.fetches, pays)}

    def _slots(self, goes_first: bool) -> PoolLimits:
        if goes_first:
            return {SLOTS: self.limits.slots}
        unreserved = self.limits.slots - self.limits.reserved_slots
        return {SLOTS: self.limits.slots, OPEN_SLOTS: unreserved}

    def _own(self, claimant: Claimant) -> dict[str, int]:
        own = {_account_pool(claimant.account): self.limits.per_account}
        if claimant.key:
            own[f"key:{claimant.key}"] = self.limits.per_key
        return own

    def _refusal(self, full: Full, claimant: Claimant) -> SlowDown:
        own = self._own(claimant)
        if full.pool not in own:
            return SlowDown(pool=full.pool)
        whose = "You already have" if full.pool == next(iter(own)) else "This key already has"
        return SlowDown(
            f"{whose} {own[full.pool]} concurrent requests. Wait for one of them to finish.",
            pool=full.pool,
        )

    @contextmanager
    def _staying(self) -> Iterator[Stay]:
        """A lease without pools yet, released at the end."""
        stay = Stay(uuid.uuid4().hex)
        try:
            with self._renewer.renewing(stay):
                yield stay
        finally:
            if stay.pools:
                self._give_up(stay)

    def _remember_full(self, pool: str) -> None:
        now = time.monotonic()
        known = {name: until for name, until in self._full.items() if until > now}
        self._full = known | {pool: now + FULL_SECONDS}

    def _give_up(self, stay: Stay) -> None:
        """Release the lease. A failure is harmless: the lease expires by itself."""
        try:
            self._leases.leave(stay)
        except Exception:
            log.exception("A lease could not be released; it will expire")
        self._full = {}
        with self._left:
            self._left.notify_all()


class Admission:
    """An admitted request, whose pools may change once more about it is known."""

    def __init__(self, capacity: Capacity, stay: Stay, claimant: Claimant) -> None:
        self._capacity = capacity
        self._stay = stay
        self._account, self._pays = claimant.account, claimant.pays

    def does_not_pay(self) -> None:
        """Mark it as a test: it counts among unpaid requests. Raises SlowDown if these are full."""
        if not self._pays:
            return
        paying, self._pays = self._capacity.room(True), False
        if self._capacity.enter(self._stay, self._capacity.room(False), leaving=paying):
            raise SlowDown

    @contextmanager
    def fetching(self) -> Iterator[None]:
        """Wait for a foreign server, outside of the queue. Raises SlowDown if too many wait in this
        way, or if everything is taken afterwards."""
        room = self._capacity.room(self._pays)
        fetches = self._capacity.fetches(self._account, self._pays)
        if full := self._capacity.enter(self._stay, fetches, leaving=room):
            raise SlowDown(_fetches_refused(full, fetches))
        yield
        if self._capacity.enter(self._stay, room, leaving=fetches):
            raise SlowDown


def _shared(everybody: str, payers: str, limit: int, pays: bool) -> PoolLimits:
    return {payers: limit, everybody: None} if pays else {everybody: limit}


def _account_pool(account: str) -> str:
    return f"account:{account}"


def _fetches_refused(full: Full, fetches: PoolLimits) -> str:
    if full.pool == next(iter(fetches)):
        return (
            f"You already have {fetches[full.pool]} pictures fetched from URLs at the same time. "
            "Wait for one of them to finish, or send pictures as files."
        )
    return (
        "Too many pictures are being fetched from URLs. Wait 5 seconds, then 10, then 15, before "
        "you try again, or send the picture as a file."
    )


@cache
def shared() -> Capacity:
    """The capacity by the settings, the same in every process with the same settings."""
    life = settings.REMOVAL_LEASE_SECONDS
    return Capacity(
        Limits(
            slots=settings.REMOVAL_SLOTS,
            queue_length=settings.REMOVAL_QUEUE_LENGTH,
            queue_seconds=min(settings.REMOVAL_QUEUE_SECONDS, settings.REMOVAL_DEADLINE_SECONDS),
            per_account=settings.REMOVAL_ACCOUNT_CONCURRENCY,
            per_key=settings.REMOVAL_KEY_CONCURRENCY,
            reserved_slots=settings.REMOVAL_RESERVED_SLOTS,
            fetches=settings.IMAGE_URL_FETCHES,
            fetches_per_account=settings.IMAGE_URL_FETCHES_PER_ACCOUNT,
        ),
        RedisLeases(settings.REDIS_URL, life, settings.REDIS_PREFIX)
        if settings.REDIS_URL
        else DatabaseLeases(life),
    )
