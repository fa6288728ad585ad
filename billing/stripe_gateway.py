"""The only module that talks to Stripe: opens Checkout, reads webhooks, looks up objects.

billing.stripe_objects parses the answers.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stripe
from django.conf import settings

from .models import Purchase
from .stripe_objects import (
    Event,
    Object,
    Takeback,
    UnexpectedShape,
    event_of,
    purchase_named_in,
    takeback_of,
)

# By default the library reports this machine and earlier requests to Stripe, under an identifier
# that it stores in the home folder.
stripe.enable_telemetry = False
TIMEOUT_SECONDS = 10
RETRIES = 2  # the client library repeats a request under the same idempotency key


class GatewayError(Exception):
    """A request to Stripe failed; `permanent` if a retry would fail too."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        self.permanent = permanent
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        """By its finished message: what the constructor was given is not kept."""
        return Exception.__new__, (type(self), *self.args), vars(self)


class BadSignature(Exception):
    """A webhook delivery that Stripe did not sign, or signed too long ago."""


@dataclass(frozen=True, slots=True)
class Checkout:
    session_id: str
    url: str


def is_configured() -> bool:
    return bool(settings.STRIPE_SECRET_KEY)


def open_checkout(purchase: Purchase, email: str, success_url: str, cancel_url: str) -> Checkout:
    """Create a Checkout session for this purchase; raises GatewayError.

    The purchase's reference is the idempotency key: a repeated call returns the same session.
    """
    reference = str(purchase.reference)
    price: Any = {
        "currency": purchase.currency,
        "unit_amount": purchase.amount,
        "product_data": {"name": purchase.pack_name},
    }
    try:
        session = _client().v1.checkout.sessions.create(
            {
                "mode": "payment",
                "line_items": [{"price_data": price, "quantity": 1}],
                "client_reference_id": reference,
                "customer_email": email,
                "metadata": {"purchase": reference},
                "payment_intent_data": {"metadata": {"purchase": reference}},
                "automatic_tax": {"enabled": settings.STRIPE_AUTOMATIC_TAX},
                "success_url": success_url,
                "cancel_url": cancel_url,
            },
            {"idempotency_key": f"purchase-{reference}"},
        )
    except stripe.StripeError as error:
        raise _translated(error) from error
    return Checkout(session.id, session.url or "")


def expire_checkout(session_id: str) -> None:
    """Expire an open Checkout session. Raises GatewayError, a permanent one if there is no such
    session any more."""
    try:
        _client().v1.checkout.sessions.expire(session_id)
    except stripe.StripeError as error:
        raise _translated(error) from error


def refund(purchase: Purchase) -> tuple[Takeback, datetime]:
    """Refund the rest of the payment; the refund and its time. Raises GatewayError.

    A double click makes one refund: the idempotency key changes only once a refund is recorded.
    """
    key = f"refund-{purchase.reference}-{purchase.reversals.count()}"
    try:
        made = _client().v1.refunds.create(
            {"payment_intent": purchase.payment_intent}, {"idempotency_key": key}
        )
    except stripe.StripeError as error:
        raise _translated(error) from error
    return takeback_of(made.to_dict()), datetime.fromtimestamp(made.created, UTC)


def livemode() -> bool | None:
    """Whether the API key moves real money; None if it does not say."""
    key = settings.STRIPE_SECRET_KEY
    return True if "_live_" in key else False if "_test_" in key else None


def read_event(body: bytes, signature: str) -> Event:
    """The event in a webhook delivery; raises BadSignature if none of the secrets signed it,
    UnexpectedShape if it is signed but cannot be parsed."""
    if not any(_has_signed(secret, body, signature) for secret in settings.STRIPE_WEBHOOK_SECRETS):
        raise BadSignature
    try:
        return event_of(json.loads(body))
    except ValueError:
        raise UnexpectedShape("not JSON") from None


def events_since(moment: datetime, types: list[str]) -> list[Object]:
    """Events, oldest first; Stripe keeps them for 30 days. Raises GatewayError."""
    try:
        page = _client().v1.events.list(
            {"created": {"gte": int(moment.timestamp())}, "types": types, "limit": 100}
        )
        events = [event.to_dict() for event in page.auto_paging_iter()]
    except stripe.StripeError as error:
        raise _translated(error) from error
    return events[::-1]


def purchase_reference(payment_intent: str) -> str:
    """The purchase reference in this payment's metadata; "" if it is not ours."""
    try:
        metadata = _client().v1.payment_intents.retrieve(payment_intent).metadata
    except stripe.InvalidRequestError:
        return ""
    except stripe.StripeError as error:
        raise _translated(error) from error
    return purchase_named_in(metadata.to_dict() if metadata else None)


def payment_intent_of(charge: str) -> str:
    """The payment intent of this charge; "" if there is none."""
    try:
        payment = _client().v1.charges.retrieve(charge).payment_intent
    except stripe.InvalidRequestError:
        return ""
    except stripe.StripeError as error:
        raise _translated(error) from error
    return payment if isinstance(payment, str) else payment.id if payment else ""


def dashboard_url(purchase: Purchase) -> str:
    """The URL of this payment in Stripe's dashboard."""
    test = "test/" if livemode() is False else ""
    page = f"payments/{purchase.payment_intent}" if purchase.payment_intent else "payments"
    return f"https://dashboard.stripe.com/{test}{page}"


def _client() -> stripe.StripeClient:
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        base_addresses={"api": settings.STRIPE_API_BASE},
        max_network_retries=RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
    )


def _has_signed(secret: str, body: bytes, signature: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(
            body, signature, secret, stripe.Webhook.DEFAULT_TOLERANCE
        )
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
    return True


def _translated(error: stripe.StripeError) -> GatewayError:
    permanent = isinstance(
        error, stripe.InvalidRequestError | stripe.AuthenticationError | stripe.PermissionError
    )
    return GatewayError(f"{type(error).__name__}: {error.user_message}", permanent=permanent)
