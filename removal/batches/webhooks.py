"""Sends signed webhooks about batches to the caller's server, with retries.

Messages and signatures follow Standard Webhooks (https://www.standardwebhooks.com), with the
secrets of the batch's API key. X-Webhook-Id and X-Webhook-Signature (`t=TIME,v1=HEX`) are the
deprecated former headers.
"""

import base64
import hashlib
import hmac
import json
import time
import uuid
from datetime import timedelta
from http import HTTPStatus
from time import monotonic
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts import webhook_secrets
from removal.models import Batch, WebhookDelivery
from removal.outbound import fetch

from . import loop
from .fair_queue import FairQueue

# The wait after each failed attempt; after the last one the event is given up.
DELAYS = tuple(timedelta(seconds=n) for n in (10, 60, 300, 1800, 7200, 21600))
LEASE = timedelta(seconds=60)  # longer than an attempt can last
SECONDS, CONNECT_SECONDS = 15, 5
UNSIGNED = "There is no secret to sign with: the key was deleted, or SECRET_KEY changed."


def signature(secret: str, message_id: str, at: int, body: bytes) -> str:
    """`v1,BASE64`, the format of Standard Webhooks."""
    key = base64.b64decode(secret.removeprefix(webhook_secrets.PREFIX))
    signed = f"{message_id}.{at}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def old_signature(secret: str, at: int, body: bytes) -> str:
    """`v1=HEX`, the format of the deprecated X-Webhook-Signature."""
    signed = f"{at}.".encode() + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def headers(secrets: list[str], message_id: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt, signed with each of the `secrets`, newest first."""
    return {
        "Content-Type": "application/json; charset=utf-8",
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(signature(key, message_id, at, body) for key in secrets),
        "X-Webhook-Id": message_id,
        # The formerly documented check uses the last one, the secret known for longest.
        "X-Webhook-Signature": ",".join(
            [f"t={at}", *(old_signature(key, at, body) for key in secrets)]
        ),
    }


def note(batch: Batch, event: str, facts: dict[str, Any]) -> None:
    """Record an event, in the transaction in which it happens."""
    if not batch.webhook_url:
        return
    delivery = uuid.uuid4().hex
    body = {
        "id": delivery,
        "type": event,
        "timestamp": timezone.now().isoformat(),
        "event": event,  # the former name
        "batch": batch.batch_id,
        "data": facts,
    }
    WebhookDelivery.objects.create(
        batch=batch, delivery_id=delivery, body=json.dumps(body, ensure_ascii=False)
    )


def start() -> None:
    loop.start("webhooks", deliver_next)


def deliver_next() -> bool:
    """Send one due event, if there is any."""
    now = timezone.now()
    due = WebhookDelivery.objects.filter(due_at__lte=now)
    accounts = set(due.order_by().values_list("batch__user", flat=True))
    if not accounts:
        return False
    account = _queue.next_of(accounts)
    delivery = due.filter(batch__user=account).order_by("due_at").first()
    if delivery is None:  # another process claimed it first
        return True
    same = WebhookDelivery.objects.filter(pk=delivery.pk, due_at=delivery.due_at)
    if same.update(due_at=now + LEASE):
        started = monotonic()
        _attempt(WebhookDelivery.objects.select_related("batch__api_key").get(pk=delivery.pk))
        _queue.took(account, monotonic() - started)
    return True


# Fair by the duration of the accounts' servers, so that a slow one delays only its own events.
_queue = FairQueue()


def _attempt(delivery: WebhookDelivery) -> None:
    batch, body = delivery.batch, delivery.body.encode()
    secrets = webhook_secrets.signing(batch.api_key) if batch.api_key else []
    if not secrets:  # nobody should trust an unsigned webhook
        _put_down(delivery, taken=False, answer=UNSIGNED)
        return
    limits = fetch.FetchLimits(
        max_bytes=0,
        total_seconds=SECONDS,
        connect_seconds=CONNECT_SECONDS,
        max_redirects=0,
        allow=settings.IMAGE_URL_ALLOW,
    )
    try:
        signed = headers(secrets, delivery.delivery_id, int(time.time()), body)
        status = fetch.post(batch.webhook_url, body, signed, limits)
        gone = status == HTTPStatus.GONE  # 410 Gone: the receiver wants no more webhooks
        answer = f"HTTP status {status}"
        _put_down(delivery, taken=200 <= status < 300, answer=answer, final=gone)
    except fetch.FetchError as error:
        _put_down(delivery, taken=False, answer=str(error))


def _put_down(delivery: WebhookDelivery, taken: bool, answer: str, final: bool = False) -> None:
    now = timezone.now()
    delivery.attempts += 1
    delivery.last_answer = answer[:200]
    over = taken or final or delivery.attempts > len(DELAYS)
    delivery.due_at = None if over else now + DELAYS[delivery.attempts - 1]
    delivery.delivered_at = now if taken else None
    delivery.save(update_fields=["attempts", "last_answer", "due_at", "delivered_at"])
