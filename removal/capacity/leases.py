"""What a store of leases has to do; the database and Redis are the two that there are."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

Limits = Mapping[str, int | None]  # pool -> how many may be in it; None: any number


class Stay:
    """One request's lease and the pools it is in at the moment. It ends when it is left, or `life`
    seconds after it was last renewed."""

    def __init__(self, lease: str) -> None:
        self.lease = lease
        self.pools: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Full:
    """A pool that has no room. `over`: how many have to go before the next to leave makes room."""

    pool: str
    over: int


class Leases(Protocol):
    """Pools of leases, each in the order of entering; exact across processes."""

    @property
    def life(self) -> float:
        """Seconds until a lease that nobody renews is over."""

    def enter(
        self,
        lease: str,
        limits: Limits,
        leaving: Collection[str] = (),
        behind: Collection[str] = (),
    ) -> Full | None:
        """Enter all these pools, or none of them where one has as many as its limit.

        leaving: pools that the lease leaves in the same step, where it enters.
        behind: pools whose leases go first: those before this one, or all where it is not there.
        Returns the first pool that is full, None after entering.
        """

    def count(self, pool: str) -> int:
        """How many are in a pool."""

    def renew(self, stays: Collection[Stay]) -> None:
        """Begin the leases' lives anew; does nothing for one that has been given up."""

    def leave(self, stay: Stay) -> None:
        """Leave all pools."""
