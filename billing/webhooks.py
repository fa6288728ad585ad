"""Processes Stripe's events: stored first, then matched, each applied at most once.

Each event is handled alone: a failure is recorded on its row, counted, logged as an error and
retried at Stripe's next delivery and at every reconciliation; other events are not affected.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db import DatabaseError
from django.db.models import F, QuerySet
from django.utils import timezone

from . import metrics, sales, stripe_gateway
from .entries import exact
from .models import Purchase, Reversal, StripeEvent
from .stripe_gateway import GatewayError
from .stripe_objects import Event, Object, event_of, payment_of, purchase_named_in, takeback_of

log = logging.getLogger(__name__)
T = TypeVar("T")
Handler = Callable[[Purchase, StripeEvent], None]
RETRIED_AT_ONCE = 1000


class EventFailed(Exception):
    """The event is stored but not applied yet; `temporary` if Stripe did not answer a question."""

    def __init__(self, event: StripeEvent, *, temporary: bool) -> None:
        self.temporary = temporary
        super().__init__(f"{event.type} {event.event_id}")

    def __reduce__(self) -> tuple[object, ...]:
        """By its finished message: what the constructor was given is not kept."""
        return Exception.__new__, (type(self), *self.args), vars(self)


def receive(event: Event) -> None:
    """Store the event, then apply it; raises EventFailed if it has to be retried."""
    stored, _ = StripeEvent.objects.get_or_create(
        event_id=event.event_id,
        defaults={"type": event.type, "payload": event.object, "created_at": event.created},
    )
    attempt(stored)


def attempt(stored: StripeEvent) -> None:
    """Apply a stored event unless it was applied before; raises EventFailed."""
    if stored.processed_at is not None:
        return
    try:
        # Looked up before the transaction: it may ask Stripe, and no lock should wait for that.
        _apply(stored, _purchase_of(stored))
    except Exception as error:
        temporary = isinstance(error, GatewayError) and not error.permanent
        _note_failure(stored, error, temporary)
        raise EventFailed(stored, temporary=temporary) from error


def waiting() -> QuerySet[StripeEvent]:
    """Stored events that were not applied yet, oldest first."""
    return StripeEvent.objects.filter(processed_at=None).order_by("created_at")


def set_aside(stored: StripeEvent) -> None:
    """Never retry the event."""
    waiting().filter(pk=stored.pk).update(processed_at=timezone.now(), payload={})


def reconcile(since: datetime) -> int:
    """Fetch the events that Stripe still keeps and retry failed ones; the number of new events."""
    before, started = _processed(), timezone.now()
    for raw in stripe_gateway.events_since(since, list(HANDLERS)):
        _alone(_receive_raw, raw)
    for stored in waiting().exclude(failed_at__gte=started)[:RETRIED_AT_ONCE]:
        _alone(attempt, stored)
    return _processed() - before


def _receive_raw(raw: Object) -> None:
    try:
        event = event_of(raw)
    except Exception:
        metrics.count_failed_event(metrics.UNREADABLE)
        log.exception("Stripe lists an event that could not be read")
        raise
    receive(event)


def _alone(step: Callable[[T], None], subject: T) -> None:
    """Continue after a failure: it has been recorded, and the next event is independent."""
    with suppress(Exception):
        step(subject)


def _processed() -> int:
    return StripeEvent.objects.exclude(processed_at=None).count()


def _note_failure(stored: StripeEvent, error: Exception, temporary: bool) -> None:
    metrics.count_failed_event(stored.type)
    names = (stored.event_id, stored.type)
    if temporary:
        log.warning("Stripe event %s (%s) waits: %s", *names, error)
    else:
        log.error("Stripe event %s (%s) could not be applied", *names, exc_info=error)
    with suppress(DatabaseError):  # likely the same fault, already logged
        StripeEvent.objects.filter(pk=stored.pk).update(
            failures=F("failures") + 1,
            failed_at=timezone.now(),
            error=f"{type(error).__name__}: {error}"[:500].replace("\0", ""),
        )


@exact
def _apply(stored: StripeEvent, purchase: Purchase | None) -> None:
    event = StripeEvent.objects.select_for_update().get(pk=stored.pk)
    if event.processed_at is not None:
        return
    if purchase is None:
        log.info("stripe event %s (%s) is not ours", event.event_id, event.type)
    else:
        HANDLERS[event.type](purchase, event)
    event.purchase, event.processed_at, event.error = purchase, timezone.now(), ""
    if purchase is None or purchase.account.user_id is None:
        event.payload = {}  # concerns another product, or a closed account
    event.save(update_fields=["purchase", "processed_at", "error", "payload"])


def _purchase_of(event: StripeEvent) -> Purchase | None:
    """The account of an event; None for types and payments that are not ours."""
    if event.type not in HANDLERS:
        return None
    if event.type.startswith("checkout.session."):
        # Not by client_reference_id: on any payment link the payer can set that.
        return _by_reference(purchase_named_in(event.payload.get("metadata")))
    takeback = takeback_of(event.payload)
    payment = takeback.payment_intent
    if not payment and takeback.charge:
        payment = stripe_gateway.payment_intent_of(takeback.charge)
    if not payment:
        return None
    known = Purchase.objects.filter(payment_intent=payment).first()
    return known or _by_reference(stripe_gateway.purchase_reference(payment))


def _by_reference(reference: str) -> Purchase | None:
    try:
        return Purchase.objects.filter(reference=UUID(reference)).first()
    except ValueError:
        return None


def _session_completed(purchase: Purchase, event: StripeEvent) -> None:
    payment = payment_of(event.payload)
    if payment.arrived:
        sales.record_payment(purchase, payment)
    else:
        sales.record_unpaid(purchase, Purchase.State.PENDING)


def _unpaid(state: Purchase.State) -> Handler:
    return lambda purchase, _: sales.record_unpaid(purchase, state)


def _reversed(kind: Reversal.Kind) -> Handler:
    return lambda purchase, event: sales.record_reversal(
        purchase, kind, takeback_of(event.payload), event.created_at
    )


HANDLERS: dict[str, Handler] = {
    "checkout.session.completed": _session_completed,
    "checkout.session.async_payment_succeeded": _session_completed,
    "checkout.session.async_payment_failed": _unpaid(Purchase.State.FAILED),
    "checkout.session.expired": _unpaid(Purchase.State.EXPIRED),
    "refund.created": _reversed(Reversal.Kind.REFUND),
    "refund.updated": _reversed(Reversal.Kind.REFUND),
    "refund.failed": _reversed(Reversal.Kind.REFUND),
    "charge.dispute.created": _reversed(Reversal.Kind.DISPUTE),
    "charge.dispute.updated": _reversed(Reversal.Kind.DISPUTE),
    "charge.dispute.closed": _reversed(Reversal.Kind.DISPUTE),
}
