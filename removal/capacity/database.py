"""Leases as rows of the database: exact for all processes that share it, without Redis."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from removal.models import LeaseRow

from .leases import Lease

ADVISORY_LOCK = 0x6C65617365  # "lease"; any number that nothing else in this database locks by


class DatabaseLeases:
    """Entering is done one at a time: behind the write lock that BEGIN IMMEDIATE takes on SQLite,
    behind an advisory lock on PostgreSQL. So rows are numbered in the order in which they count.
    """

    def __init__(self, life: float) -> None:
        self.life = life

    def enter(self, lease: Lease, limits: Mapping[str, int | None]) -> str | None:
        """Looks before it locks, so that turning many away at once stays quick."""
        if full := self._full(limits):
            return full
        with _one_at_a_time():
            if full := self._full(limits):
                return full
            purge()
            expires_at = self._expiry()
            LeaseRow.objects.bulk_create(
                LeaseRow(lease=lease.id, pool=pool, expires_at=expires_at) for pool in lease.pools
            )
        return None

    def ahead(self, lease: Lease, pool: str) -> int:
        line = list(_alive(pool).order_by("pk").values_list("lease", flat=True))
        return line.index(lease.id) if lease.id in line else len(line)

    def count(self, pool: str) -> int:
        return _alive(pool).count()

    def renew(self, leases: Collection[Lease]) -> None:
        rows = LeaseRow.objects.filter(lease__in=[lease.id for lease in leases])
        rows.update(expires_at=self._expiry())

    def leave(self, lease: Lease) -> None:
        LeaseRow.objects.filter(lease=lease.id).delete()

    def _full(self, limits: Mapping[str, int | None]) -> str | None:
        bounded = {pool: limit for pool, limit in limits.items() if limit is not None}
        if not bounded:
            return None
        alive = LeaseRow.objects.filter(pool__in=bounded, expires_at__gt=timezone.now())
        counts = Counter(alive.values_list("pool", flat=True))
        return next((pool for pool, limit in bounded.items() if counts[pool] >= limit), None)

    def _expiry(self) -> datetime:
        return timezone.now() + timedelta(seconds=self.life)


def purge() -> None:
    """Delete what killed processes held."""
    LeaseRow.objects.filter(expires_at__lte=timezone.now()).delete()


def _alive(pool: str) -> QuerySet[LeaseRow]:
    return LeaseRow.objects.filter(pool=pool, expires_at__gt=timezone.now())


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        yield
