"""Periodic jobs: release credits of dead requests, delete expired data, catch up with Stripe.

Without workers a thread of each web process runs the jobs; with workers Celery's beat schedules
them (pixian_site/celery.py). Each job may run at any time, twice and in several processes at once.
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
class PeriodicJob:
    name: str
    every_seconds: int
    run: Callable[[], None]


def release_stale_holds() -> None:
    _tell("Released %d expired holds", ledger.release_stale())


def refund_undelivered() -> None:
    _tell("Refunded %d undelivered results", ledger.refund_undelivered())


def tell_of_low_balances() -> None:
    _tell("Mailed %d owners about a low balance", low_balance.send_mails())


def purge() -> None:
    """Delete expired results and the leases of killed processes."""
    _tell("Deleted %d results kept for an Idempotency-Key", idempotency.purge())
    _tell("Deleted %d pictures kept for the page", kept.purge_kept())
    _tell("Deleted %d batches", register.purge())
    database.purge()


def sweep() -> None:
    """Delete orphaned files, left by a killed process or a storage failure. Hourly, because listing
    a bucket costs money."""
    owners = (idempotency.sweep, kept.sweep, register.sweep, blobs.purge)
    _tell("Deleted %d orphaned files", sum(sweep() for sweep in owners))


def forget_sessions() -> None:
    _tell("Deleted %d expired sessions", services.forget_ended_sessions())


def forget_abandoned_purchases() -> None:
    _tell("Deleted %d purchases that were never paid", sales.forget_abandoned())


def forget_accounts() -> None:
    _tell("Closed %d unconfirmed accounts", services.forget_unconfirmed())
    _tell("Deleted %d keys that were revoked long ago", services.forget_revoked_keys())


def age_out() -> None:
    _tell("Summarised %d old requests", usage.age_out())


def reconcile() -> None:
    """Catch up with payments whose webhooks did not arrive."""
    if stripe_gateway.is_configured():
        _tell("Expired %d payment pages", checkouts.expire_of_closed_accounts())
        webhooks.reconcile(timezone.now() - RECONCILE_SPAN)


JOBS = (
    PeriodicJob("release_stale_holds", 60, release_stale_holds),
    PeriodicJob("refund_undelivered", 60, refund_undelivered),
    PeriodicJob("tell_of_low_balances", 60, tell_of_low_balances),
    PeriodicJob("purge", 60, purge),
    PeriodicJob("sweep", 3600, sweep),
    PeriodicJob("forget_sessions", 3600, forget_sessions),
    PeriodicJob("forget_abandoned_purchases", 3600, forget_abandoned_purchases),
    PeriodicJob("forget_accounts", 3600, forget_accounts),
    PeriodicJob("age_out", 3600, age_out),
    PeriodicJob("reconcile", 3600, reconcile),
)


def start() -> None:
    threading.Thread(target=_forever, name="maintenance", daemon=True).start()


def _forever() -> None:
    pause = threading.Event()
    due = dict.fromkeys(JOBS, time.monotonic())
    while True:
        for job in JOBS:
            if due[job] <= time.monotonic():
                due[job] += job.every_seconds
                _attempt(job)
        pause.wait(max(0, min(due.values()) - time.monotonic()))


def _attempt(job: PeriodicJob) -> None:
    try:
        close_old_connections()
        job.run()
    except Exception:
        log.exception("The periodic job %s failed; it will run again", job.name)


def _tell(sentence: str, number: int) -> None:
    if number:
        log.info(sentence, number)
