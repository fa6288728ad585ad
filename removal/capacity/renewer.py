"""Renews the leases of this process while their requests run."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from .leases import Leases, Stay

log = logging.getLogger(__name__)
RENEWALS_A_LIFE = 3  # if one fails, the next is still in time


class LeaseRenewer:
    """One thread for all leases; it ends when there are none left."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self._lock = threading.Lock()
        self._held: set[Stay] = set()
        self._thread: threading.Thread | None = None

    @contextmanager
    def renewing(self, stay: Stay) -> Iterator[None]:
        with self._lock:
            self._held.add(stay)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(stay)

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self._leases.life / RENEWALS_A_LIFE)
            with self._lock:
                held = frozenset(self._held)
                if not held:
                    self._thread = None
                    return
            self._renew(held)

    def _renew(self, held: frozenset[Stay]) -> None:
        try:
            self._leases.renew(held)
        except Exception:
            log.exception("%d leases could not be renewed; trying again", len(held))
        finally:
            connections.close_all()  # the next round tries again
