"""Housekeeping in the web process: credits that nobody claims any more go back to their owners."""

import logging
import threading

from django.db import close_old_connections

from billing import ledger

log = logging.getLogger(__name__)
INTERVAL_SECONDS = 60


def start() -> None:
    threading.Thread(target=_forever, name="maintenance", daemon=True).start()


def tidy() -> None:
    """Release expired holds, refund results that never reached their caller."""
    released, refunded = ledger.release_stale(), ledger.refund_undelivered()
    if released or refunded:
        log.info("Released %d expired holds, refunded %d undelivered results", released, refunded)


def _forever() -> None:
    wait = threading.Event()
    while True:
        try:
            close_old_connections()
            tidy()
        except Exception:
            log.exception("Housekeeping failed; it is tried again in %d s", INTERVAL_SECONDS)
        wait.wait(INTERVAL_SECONDS)
