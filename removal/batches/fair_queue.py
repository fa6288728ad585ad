"""Accounts take turns: who has much waiting keeps its own waiting, not others'."""

import threading
from collections.abc import Collection


class FairQueue:
    """Start-time fair queueing: who comes anew starts where the others are, not before them.

    Safe for threads. Each process has its own: several are as fair as one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._served: dict[int, float] = {}  # account -> its cost, of those ahead of the others
        self._others = 0.0

    def next_of(self, accounts: Collection[int], cost: float = 0.0) -> int:
        """Whose turn it is, and what that costs where it is known beforehand."""
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
