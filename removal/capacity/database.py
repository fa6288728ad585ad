"""Leases as rows of the database: exact for all processes that share it, without Redis."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from removal.models import LeaseRow

from .leases import Full, Limits, Stay

ADVISORY_LOCK = (
    0x6C65617365  # "lease"; any number that nothing else in this database uses as a lock
)


class DatabaseLeases:
    """Entering is serialised, by the write lock of BEGIN IMMEDIATE on SQLite and an advisory lock
    on PostgreSQL. So rows are numbered in the order in which they count.
    """

    def __init__(self, life: float) -> None:
        self.life = life

    def enter(
        self,
        lease: str,
        limits: Limits,
        leaving: Collection[str] = (),
        behind: Collection[str] = (),
    ) -> Full | None:
        """Checks before it locks, so that many refusals at once stay fast."""
        if full := _full(lease, limits, behind):
            return full
        with _one_at_a_time():
            if full := _full(lease, limits, behind):
                return full
            purge()
            if leaving:
                LeaseRow.objects.filter(lease=lease, pool__in=leaving).delete()
            expires_at = self._expiry()
            LeaseRow.objects.bulk_create(
                LeaseRow(lease=lease, pool=pool, expires_at=expires_at) for pool in limits
            )
        return None

    def count(self, pool: str) -> int:
        return LeaseRow.objects.filter(pool=pool, expires_at__gt=timezone.now()).count()

    def renew(self, stays: Collection[Stay]) -> None:
        rows = LeaseRow.objects.filter(lease__in=[stay.lease for stay in stays])
        rows.update(expires_at=self._expiry())

    def leave(self, stay: Stay) -> None:
        LeaseRow.objects.filter(lease=stay.lease).delete()

    def _expiry(self) -> datetime:
        return timezone.now() + timedelta(seconds=self.life)


def purge() -> None:
    """Delete the leases of killed processes."""
    LeaseRow.objects.filter(expires_at__lte=timezone.now()).delete()


def _full(lease: str, limits: Limits, behind: Collection[str]) -> Full | None:
    bounded = {pool: limit for pool, limit in limits.items() if limit is not None}
    if not bounded:
        return None
    members = _members({*bounded, *behind})
    ahead = sum(_before(lease, members[pool]) for pool in behind)
    for pool, limit in bounded.items():
        others = [member for member in members[pool] if member != lease]
        over = len(others) + ahead - limit
        if over >= 0:
            return Full(pool, over)
    return None


def _members(pools: Collection[str]) -> dict[str, list[str]]:
    """The leases of each pool in the order of entering."""
    alive = LeaseRow.objects.filter(pool__in=pools, expires_at__gt=timezone.now())
    members: dict[str, list[str]] = defaultdict(list)
    for pool, lease in alive.order_by("pk").values_list("pool", "lease"):
        members[pool].append(lease)
    return members


def _before(lease: str, line: Sequence[str]) -> int:
    return line.index(lease) if lease in line else len(line)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        yield
