"""Stripe's objects as plain values, parsed strictly: no half understood object moves credits.

Fields that Stripe's API reference calls nullable may be null or missing; all others are required.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]
LONGEST = 255  # of an id, as the database keeps it
ARRIVED = {"paid": True, "no_payment_required": True, "unpaid": False}  # by payment_status


class UnexpectedShape(Exception):
    """Stripe sent an object of another shape; the message names the field."""


@dataclass(frozen=True, slots=True)
class Event:
    event_id: str
    type: str
    created: datetime
    object: Object  # whose kind depends on the type


@dataclass(frozen=True, slots=True)
class Payment:
    """A completed Checkout session; None or "" for fields that Stripe left out."""

    session_id: str
    payment_intent: str
    arrived: bool  # False while a delayed payment method is processing
    currency: str
    subtotal: int | None
    total: int | None
    discount: int
    livemode: bool | None


@dataclass(frozen=True, slots=True)
class Takeback:
    """A refund or a dispute: both have a payment and an amount."""

    stripe_id: str
    amount: int
    currency: str
    status: str  # "" if Stripe does not say
    payment_intent: str
    charge: str


def event_of(raw: Any) -> Event:
    """Raises UnexpectedShape, for example for events of Stripe's v2 API."""
    outer = _Reader("event", raw)
    try:
        created = datetime.fromtimestamp(outer.whole("created"), UTC)
    except (OverflowError, OSError, ValueError):
        raise UnexpectedShape("event: created is not a timestamp") from None
    return Event(
        event_id=outer.text("id"),
        type=outer.text("type"),
        created=created,
        object=_Reader("event.data", outer.get("data")).object("object"),
    )


def payment_of(raw: Object) -> Payment:
    fields = _Reader("checkout session", raw)
    status = fields.text("payment_status")
    if status not in ARRIVED:
        raise UnexpectedShape(f"checkout session: payment_status is {status}")
    livemode = fields.get("livemode")
    details = fields.get("total_details")
    return Payment(
        session_id=fields.text("id"),
        payment_intent=fields.reference("payment_intent"),
        arrived=ARRIVED[status],
        currency=fields.currency("currency") if fields.get("currency") else "",
        subtotal=fields.optional_whole("amount_subtotal"),
        total=fields.optional_whole("amount_total"),
        discount=_Reader("total_details", details).whole("amount_discount") if details else 0,
        livemode=livemode if isinstance(livemode, bool) else None,
    )


def takeback_of(raw: Object) -> Takeback:
    fields = _Reader("refund or dispute", raw)
    return Takeback(
        stripe_id=fields.text("id"),
        amount=fields.whole("amount"),
        currency=fields.currency("currency"),
        status=fields.optional_text("status"),
        payment_intent=fields.reference("payment_intent"),
        charge=fields.reference("charge"),
    )


def purchase_named_in(metadata: Any) -> str:
    """The purchase reference in the payment's metadata; "" if it is not ours."""
    named = metadata.get("purchase") if isinstance(metadata, dict) else None
    return named if isinstance(named, str) else ""


class _Reader:
    """Reads typed fields from one of Stripe's objects."""

    def __init__(self, name: str, raw: Any) -> None:
        if not isinstance(raw, dict):
            raise UnexpectedShape(f"{name}: not an object")
        self._name, self._raw = name, raw

    def get(self, field: str) -> Any:
        return self._raw.get(field)

    def text(self, field: str) -> str:
        value = self.get(field)
        if isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable():
            return value
        raise self._unexpected(field, "a short text")

    def currency(self, field: str) -> str:
        value = self.text(field)
        if len(value) == 3:
            return value.lower()
        raise self._unexpected(field, "a currency")

    def optional_text(self, field: str) -> str:
        return "" if self.get(field) is None else self.text(field)

    def whole(self, field: str) -> int:
        value = self.get(field)
        if type(value) is int and 0 <= value < 2**63:
            return value
        raise self._unexpected(field, "a whole number, not negative")

    def optional_whole(self, field: str) -> int | None:
        return None if self.get(field) is None else self.whole(field)

    def object(self, field: str) -> Object:
        value = self.get(field)
        if isinstance(value, dict):
            return value
        raise self._unexpected(field, "an object")

    def reference(self, field: str) -> str:
        """The id of another object, which Stripe may send expanded; "" for none."""
        value = self.get(field)
        return (
            _Reader(field, value).text("id")
            if isinstance(value, dict)
            else self.optional_text(field)
        )

    def _unexpected(self, field: str, wanted: str) -> UnexpectedShape:
        return UnexpectedShape(f"{self._name}: {field} is not {wanted}")
