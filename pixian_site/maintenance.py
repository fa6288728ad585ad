"""Housekeeping: credits that nobody claims go back to their owners, what is over is deleted.

Without workers a thread of each web process does the chores, with them Celery's beat has them done
(pixian_site/celery.py). Each may be done at any time, twice and by several at once.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import close_old_connections
from django.utils import timezone

from accounts import services
from billing import checkouts, ledger, low_balance, sales, stripe_gateway, webhooks
from removal import idempotency, usage
from removal.batches import register
from removal.capacity import database
from removal.execution import blobs
from removal.page import kept

log = logging.getLogger(__name__)
RECONCILE_SPAN = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Chore:
    name: str
    every_seconds: int
    run: Callable[[], None]


def release_stale_holds() -> None:
    _tell("Released %d expired holds", ledger.release_stale())


def refund_undelivered() -> None:
    _tell("Refunded %d undelivered results", ledger.refund_undelivered())


def tell_of_low_balances() -> None:
    _tell("Told %d owners of a low balance", low_balance.send_mails())


def purge() -> None:
    """Delete results whose time is over and the leases of killed processes."""
    _tell("Deleted %d results kept for an Idempotency-Key", idempotency.purge())
    _tell("Deleted %d pictures kept for the page", kept.purge_kept())
    _tell("Deleted %d batches", register.purge())
    database.purge()


def sweep() -> None:
    """Delete files that nobody owns: a process was killed, or the storage was away, when it was
    time. Listing costs a bucket's owner money, so this is done by the hour."""
    owners = (idempotency.sweep, kept.sweep, register.sweep, blobs.purge)
    _tell("Deleted %d files that were left behind", sum(sweep() for sweep in owners))


def forget_sessions() -> None:
    _tell("Forgot %d ended sessions", services.forget_ended_sessions())


def forget_abandoned_purchases() -> None:
    _tell("Deleted %d purchases that were never paid", sales.forget_abandoned())


def forget_accounts() -> None:
    _tell("Closed %d accounts that were never confirmed", services.forget_unconfirmed())
    _tell("Deleted %d keys that were revoked long ago", services.forget_revoked_keys())


def age_out() -> None:
    _tell("Summed up %d old requests", usage.age_out())


def reconcile() -> None:
    """Catch up with payments whose webhooks did not reach us."""
    if stripe_gateway.is_configured():
        _tell("Closed %d payment pages", checkouts.expire_of_closed_accounts())
        webhooks.reconcile(timezone.now() - RECONCILE_SPAN)


CHORES = (
    Chore("release_stale_holds", 60, release_stale_holds),
    Chore("refund_undelivered", 60, refund_undelivered),
    Chore("tell_of_low_balances", 60, tell_of_low_balances),
    Chore("purge", 60, purge),
    Chore("sweep", 3600, sweep),
    Chore("forget_sessions", 3600, forget_sessions),
    Chore("forget_abandoned_purchases", 3600, forget_abandoned_purchases),
    Chore("forget_accounts", 3600, forget_accounts),
    Chore("age_out", 3600, age_out),
    Chore("reconcile", 3600, reconcile),
)


def start() -> None:
    threading.Thread(target=_forever, name="maintenance", daemon=True).start()


def _forever() -> None:
    pause = threading.Event()
    due = dict.fromkeys(CHORES, time.monotonic())
    while True:
        for chore in CHORES:
            if due[chore] <= time.monotonic():
                due[chore] += chore.every_seconds
                _attempt(chore)
        pause.wait(max(0, min(due.values()) - time.monotonic()))


def _attempt(chore: Chore) -> None:
    try:
        close_old_connections()
        chore.run()
    except Exception:
        log.exception("Housekeeping (%s) failed; it is tried again", chore.name)


def _tell(sentence: str, number: int) -> None:
    if number:
        log.info(sentence, number)
