"""The interface of a lease store, implemented by the database and by Redis."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

Limits = Mapping[str, int | None]  # pool -> its limit; None: no limit


class Stay:
    """One request's lease and its current pools. It ends when released, or `life` seconds after its
    last renewal."""

    def __init__(self, lease: str) -> None:
        self.lease = lease
        self.pools: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Full:
    """A full pool. `over`: how many have to leave before the next one leaving frees a slot."""

    pool: str
    over: int


class Leases(Protocol):
    """Pools of leases, each in the order of entering; exact across processes."""

    @property
    def life(self) -> float:
        """Seconds until a lease expires without renewal."""

    def enter(
        self,
        lease: str,
        limits: Limits,
        leaving: Collection[str] = (),
        behind: Collection[str] = (),
    ) -> Full | None:
        """Enter all these pools, or none if one of them has reached its limit.

        leaving: pools that the lease leaves in the same step, if it enters.
        behind: pools whose leases go first: those before this one, or all if it is not in them.
        Returns the first pool that is full, None after entering.
        """

    def count(self, pool: str) -> int:
        """The number of leases in a pool."""

    def renew(self, stays: Collection[Stay]) -> None:
        """Renew the leases; does nothing for released ones."""

    def leave(self, stay: Stay) -> None:
        """Leave all pools."""
