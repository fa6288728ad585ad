"""Housekeeping in the web process: credits that nobody claims any more go back to their owners."""

import itertools
import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from django.db import close_old_connections
from django.utils import timezone

from billing import ledger, low_balance, stripe_gateway, webhooks
from removal import idempotency, kept
from removal.capacity import database

log = logging.getLogger(__name__)
INTERVAL_SECONDS = 60
ROUNDS_BETWEEN_RECONCILING = 60
RECONCILE_SPAN = timedelta(days=3)


def start() -> None:
    threading.Thread(target=_forever, name="maintenance", daemon=True).start()


def tidy() -> None:
    """Release expired holds, refund what never reached its caller, tell of low balances, delete
    results whose time is over and what killed processes held."""
    released, refunded = ledger.release_stale(), ledger.refund_undelivered()
    if released or refunded:
        log.info("Released %d expired holds, refunded %d undelivered results", released, refunded)
    if mailed := low_balance.send_mails():
        log.info("Told %d owners of a low balance", mailed)
    if deleted := idempotency.purge():
        log.info("Deleted %d results kept for an Idempotency-Key", deleted)
    if deleted := kept.purge_kept():
        log.info("Deleted %d pictures kept for the page", deleted)
    database.purge()


def reconcile() -> None:
    """Catch up with payments whose webhooks did not reach us."""
    if stripe_gateway.is_configured():
        webhooks.reconcile(timezone.now() - RECONCILE_SPAN)


def _forever() -> None:
    wait = threading.Event()
    for number in itertools.count():
        _attempt(tidy)
        if number % ROUNDS_BETWEEN_RECONCILING == 0:
            _attempt(reconcile)
        wait.wait(INTERVAL_SECONDS)


def _attempt(task: Callable[[], None]) -> None:
    try:
        close_old_connections()
        task()
    except Exception:
        log.exception("Housekeeping (%s) failed; it is tried again", task.__name__)
