"""Fair queueing between accounts: many waiting pictures of one do not delay the others."""

import threading
from collections.abc import Collection


class FairQueue:
    """Start-time fair queueing: a new account starts at the others' current cost, not at zero.

    Thread-safe. Each process has its own queue: several are as fair as one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._served: dict[int, float] = {}  # account -> cost, if ahead of the others
        self._others = 0.0

    def next_of(self, accounts: Collection[int], cost: float = 0.0) -> int:
        """The next account, charged with `cost` if that is known beforehand."""
        with self._lock:
            account = min(sorted(accounts), key=self._of)
            self._others = self._of(account)
            self._add(account, cost)
            return account

    def took(self, account: int, cost: float) -> None:
        with self._lock:
            self._add(account, cost)

    def _add(self, account: int, cost: float) -> None:
        self._served[account] = self._of(account) + cost
        self._served = {who: at for who, at in self._served.items() if at > self._others}

    def _of(self, account: int) -> float:
        return max(self._served.get(account, 0.0), self._others)
