"""Makes something of Stripe's events: stored first, then matched, each applied at most once."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from . import sales, stripe_gateway
from .ledger import exact
from .models import Purchase, Reversal, StripeEvent
from .stripe_gateway import Event

log = logging.getLogger(__name__)
Handler = Callable[[Purchase, dict[str, Any]], None]


def receive(event: Event) -> None:
    """Store the event, then apply it; whatever fails is tried again at the next delivery."""
    stored, _ = StripeEvent.objects.get_or_create(
        event_id=event.event_id,
        defaults={"type": event.type, "payload": event.object, "created_at": event.created},
    )
    if stored.processed_at is None:
        # Found before the transaction: it may ask Stripe, and no lock should wait for that.
        _apply(stored, _purchase_of(stored))


def reconcile(since: datetime) -> int:
    """Receive again every event that Stripe still knows; the number that were new to us."""
    before = StripeEvent.objects.exclude(processed_at=None).count()
    for event in stripe_gateway.events_since(since, list(HANDLERS)):
        receive(event)
    return StripeEvent.objects.exclude(processed_at=None).count() - before


@exact
def _apply(stored: StripeEvent, purchase: Purchase | None) -> None:
    event = StripeEvent.objects.select_for_update().get(pk=stored.pk)
    if event.processed_at is not None:
        return
    if purchase is None:
        log.info("stripe event %s (%s) is none of ours", event.event_id, event.type)
    else:
        HANDLERS[event.type](purchase, event.payload)
    event.purchase, event.processed_at = purchase, timezone.now()
    if purchase is None or purchase.account.user_id is None:
        event.payload = {}  # names a payer of something else, or one who is to be forgotten
    event.save(update_fields=["purchase", "processed_at", "payload"])


def _purchase_of(event: StripeEvent) -> Purchase | None:
    """Whose event this is; None for the kinds and payments that do not concern us."""
    if event.type not in HANDLERS:
        return None
    if event.type.startswith("checkout.session."):
        # Not by client_reference_id: at a payment link, whatever it sells, the payer can set that.
        return _by_reference((event.payload.get("metadata") or {}).get("purchase"))
    payment = event.payload.get("payment_intent")
    if not payment:
        return None
    known = Purchase.objects.filter(payment_intent=payment).first()
    return known or _by_reference(stripe_gateway.purchase_reference(payment))


def _by_reference(reference: str | None) -> Purchase | None:
    try:
        return Purchase.objects.filter(reference=UUID(reference or "")).first()
    except ValueError:
        return None


def _session_completed(purchase: Purchase, session: dict[str, Any]) -> None:
    if session["payment_status"] == "unpaid":
        sales.record_unpaid(purchase, Purchase.State.PENDING)
    else:
        sales.record_payment(purchase, session)


def _unpaid(state: Purchase.State) -> Handler:
    return lambda purchase, _: sales.record_unpaid(purchase, state)


def _reversed(kind: Reversal.Kind) -> Handler:
    return lambda purchase, reversal: sales.record_reversal(purchase, kind, reversal)


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
