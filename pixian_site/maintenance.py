"""Housekeeping in the web process: credits that nobody claims any more go back to their owners."""

import logging
import threading

from django.db import close_old_connections

from billing import ledger, low_balance

log = logging.getLogger(__name__)
INTERVAL_SECONDS = 60


def start() -> None:
    threading.Thread(target=_forever, name="maintenance", daemon=True).start()


def tidy() -> None:
    """Release expired holds, refund what never reached its caller, tell of low balances."""
    released, refunded = ledger.release_stale(), ledger.refund_undelivered()
    if released or refunded:
        log.info("Released %d expired holds, refunded %d undelivered results", released, refunded)
    if mailed := low_balance.send_mails():
        log.info("Told %d owners of a low balance", mailed)


def _forever() -> None:
    wait = threading.Event()
    while True:
        try:
            close_old_connections()
            tidy()
        except Exception:
            log.exception("Housekeeping failed; it is tried again in %d s", INTERVAL_SECONDS)
        wait.wait(INTERVAL_SECONDS)
