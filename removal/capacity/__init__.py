"""Bounded places for work and a short, fair queue before them, for all processes together.

Refusing early keeps the service quick for those who are in: without a limit, fifty clients at once
all wait for half a minute; with one, most are told at once to come back later. Nobody can take the
service from the others: an account has only so many requests under way, whatever its keys; who pays
is turned away by others who pay only, and goes first; who waits for a foreign server holds neither
a place nor a spot in the line.

Who is in is written down as leases: in Redis where REDIS_URL names one, else in the database. A
lease lives for REMOVAL_LEASE_SECONDS and is renewed while its request runs, so what a killed
process held is free again that much later.
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
# The pools that all share. Of each there is one for everybody and one for some of them, by whose
# number these are bounded: payers by each other alone, so that they find room in any crowd.
REQUESTS, PAYING_REQUESTS = "requests", "paying requests"  # at work or in line for it
FETCHES, PAYING_FETCHES = "fetches", "paying fetches"  # waiting for a foreign server
LINE, PAYING_LINE = "line", "paying line"  # waiting for a place
PLACES, OPEN_PLACES = "places", "open places"  # at work; open: not in a place reserved for payers
NEXT_SECONDS = 0.02  # how often the next in line looks for a place that another process left
FULL_SECONDS = 0.1  # how long a pool that was found full is known to be
LATER_SECONDS = 0.25  # how often those behind it look, and all whether their client is still there


@dataclass(frozen=True, slots=True)
class Limits:
    places: int
    queue_length: int
    queue_seconds: float
    per_account: int
    per_key: int
    reserved_places: int = 0  # of the places, for payers only
    fetches: int = 8
    fetches_per_account: int = 5


@dataclass(frozen=True, slots=True)
class Claimant:
    """Whose requests are counted together, and whether others who pay are all it waits for.

    account: an account, a visitor's address, or the batches of an account.
    key: the API key, which has a limit of its own within the account's.
    """

    account: str
    key: str = ""
    pays: bool = False


class Capacity:
    """Counts who is in, through `leases`. One object a process; safe for threads."""

    def __init__(self, limits: Limits, leases: Leases) -> None:
        self.limits = limits
        self._leases = leases
        self._renewer = LeaseRenewer(leases)
        self._left = threading.Condition()  # told when a place of this process is free again
        self._full: dict[str, float] = {}  # pool -> until when it counts as full

    @contextmanager
    def admit(self, claimant: Claimant) -> Iterator["Admission"]:
        """Let a request in, or raise SlowDown at once where everything is taken."""
        room = self.room(claimant.pays)
        with self._staying() as stay:
            full = self.enter(stay, {**self._own(claimant), **room})
            if full:
                self._remember_full(full.pool)
                raise self._refusal(full, claimant)
            yield Admission(self, stay, claimant)

    @contextmanager
    def taking_in(self, claimant: Claimant) -> Iterator[None]:
        """Unpack and store many pictures at once. It needs a thread but neither place nor line, so
        it counts as fetches do. SlowDown where too many do so."""
        limits = {**self._own(claimant), **self.fetches(claimant.account, claimant.pays)}
        with self._staying() as stay:
            if full := self.enter(stay, limits):
                raise self._refusal(full, claimant)
            yield

    def is_known_full(self, pool: str) -> bool:
        """Whether it was full a moment ago and nobody of this process has left since."""
        return self._full.get(pool, 0) > time.monotonic()

    def free_for(self, claimant: Claimant) -> int:
        """How many requests more it may have under way."""
        own = self._own(claimant)
        return min(limit - self._leases.count(pool) for pool, limit in own.items())

    def in_line(self) -> tuple[int, int]:
        """How many pictures of all processes have a place, and how many wait for one."""
        waiting = self._leases.count(PAYING_LINE) + self._leases.count(LINE)
        return self._leases.count(PLACES), waiting

    @contextmanager
    def place(self, disconnected: Callable[[], bool], goes_first: bool = False) -> Iterator[None]:
        """Wait in line for a place to work in.

        goes_first: before all that don't, and into reserved places, too.
        Raises StartedTooLate after the queue's time, ClientGone where nobody waits any more.
        """
        with self._staying() as stay:
            with metrics.waiting():
                self._wait_for_place(stay, goes_first, disconnected)
            yield

    def _wait_for_place(
        self, stay: Stay, goes_first: bool, disconnected: Callable[[], bool]
    ) -> None:
        """Whoever is first in line takes the place that another has left, in one step."""
        deadline = time.monotonic() + self.limits.queue_seconds
        line, behind = (PAYING_LINE, [PAYING_LINE]) if goes_first else (LINE, [PAYING_LINE, LINE])
        places = self._places(goes_first)
        if not self.enter(stay, places, behind=behind):
            return
        self.enter(stay, {line: None})
        while full := self.enter(stay, places, leaving=[line], behind=behind):
            left = deadline - time.monotonic()
            if left <= 0:
                raise StartedTooLate
            is_next = full.over < self.limits.places
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
        """What a request that works or waits in line counts for."""
        limit = self.limits.places + self.limits.queue_length
        return _shared(REQUESTS, PAYING_REQUESTS, limit, pays)

    def fetches(self, account: str, pays: bool) -> PoolLimits:
        """What a request counts for while it waits for a foreign server."""
        own: PoolLimits = {f"fetches of {account}": self.limits.fetches_per_account}
        return {**own, **_shared(FETCHES, PAYING_FETCHES, self.limits.fetches, pays)}

    def _places(self, goes_first: bool) -> PoolLimits:
        if goes_first:
            return {PLACES: self.limits.places}
        unreserved = self.limits.places - self.limits.reserved_places
        return {PLACES: self.limits.places, OPEN_PLACES: unreserved}

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
            f"{whose} {own[full.pool]} requests under way. Wait for one of them to finish.",
            pool=full.pool,
        )

    @contextmanager
    def _staying(self) -> Iterator[Stay]:
        """A stay in pools yet to be entered, given up at the end."""
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
        """The work is done, so a failure here takes nothing from it: the lease lapses by itself."""
        try:
            self._leases.leave(stay)
        except Exception:
            log.exception("A lease could not be given up; it lapses")
        self._full = {}
        with self._left:
            self._left.notify_all()


class Admission:
    """A request that was let in. What it turns out to be changes what it counts for."""

    def __init__(self, capacity: Capacity, stay: Stay, claimant: Claimant) -> None:
        self._capacity = capacity
        self._stay = stay
        self._account, self._pays = claimant.account, claimant.pays

    def does_not_pay(self) -> None:
        """It is a test, so it finds room where others who don't pay find some, or SlowDown."""
        if not self._pays:
            return
        paying, self._pays = self._capacity.room(True), False
        if self._capacity.enter(self._stay, self._capacity.room(False), leaving=paying):
            raise SlowDown

    @contextmanager
    def fetching(self) -> Iterator[None]:
        """Wait for a foreign server: meanwhile the request is not in the line. SlowDown where too
        many wait so, or where everything else was taken meanwhile."""
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
    """The capacity by the settings; the same in every process that has the same settings."""
    life = settings.REMOVAL_LEASE_SECONDS
    return Capacity(
        Limits(
            places=settings.REMOVAL_PLACES,
            queue_length=settings.REMOVAL_QUEUE_LENGTH,
            queue_seconds=min(settings.REMOVAL_QUEUE_SECONDS, settings.REMOVAL_DEADLINE_SECONDS),
            per_account=settings.REMOVAL_ACCOUNT_CONCURRENCY,
            per_key=settings.REMOVAL_KEY_CONCURRENCY,
            reserved_places=settings.REMOVAL_RESERVED_PLACES,
            fetches=settings.IMAGE_URL_FETCHES,
            fetches_per_account=settings.IMAGE_URL_FETCHES_PER_ACCOUNT,
        ),
        RedisLeases(settings.REDIS_URL, life, settings.REDIS_PREFIX)
        if settings.REDIS_URL
        else DatabaseLeases(life),
    )
