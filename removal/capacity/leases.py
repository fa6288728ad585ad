"""What a store of leases has to do; the database and Redis are the two that there are."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Lease:
    """A stay in some pools. It ends by `leave`, or `life` seconds after it was last renewed."""

    id: str
    pools: tuple[str, ...]


class Leases(Protocol):
    """Pools of leases, each in the order of entering; exact across processes."""

    @property
    def life(self) -> float:
        """Seconds until a lease that nobody renews is over."""

    def enter(self, lease: Lease, limits: Mapping[str, int | None]) -> str | None:
        """Enter all pools of the lease, or none of them where one has as many as its limit.

        Returns the first pool that is full, None after entering.
        """

    def ahead(self, lease: Lease, pool: str) -> int:
        """How many entered the pool before and are still there."""

    def count(self, pool: str) -> int:
        """How many are in a pool."""

    def renew(self, leases: Collection[Lease]) -> None:
        """Begin the leases' lives anew; does nothing for one that has been given up."""

    def leave(self, lease: Lease) -> None:
        """Leave all pools."""
