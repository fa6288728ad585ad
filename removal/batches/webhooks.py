"""Tells the caller's server what became of a batch: signed, and again until it says yes.

The signature is `t=TIME,v1=HEX`: HMAC-SHA256, under the account's webhook secret, of TIME, a full
stop and the body's bytes. The secret is derived from SECRET_KEY, so that no database holds it.
"""

import hashlib
import hmac
import json
import time
import uuid
from datetime import timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import User
from removal.models import Batch, WebhookDelivery
from removal.outbound import fetch

from . import loop
from .fair_queue import FairQueue

# How long to wait after each attempt that did not succeed; after the last one it is given up.
DELAYS = tuple(timedelta(seconds=n) for n in (10, 60, 300, 1800, 7200, 21600))
LEASE = timedelta(seconds=60)  # longer than an attempt may last
SECONDS, CONNECT_SECONDS = 15, 5


def secret_of(user: User) -> str:
    """What the account's webhooks are signed with."""
    return "whsec_" + salted_hmac("removal.webhooks", str(user.pk), algorithm="sha256").hexdigest()


def signature(secret: str, body: bytes, at: int) -> str:
    signed = f"{at}.".encode() + body
    return f"t={at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def note(batch: Batch, event: str, facts: dict[str, Any]) -> None:
    """Put down something to tell, in the transaction in which it happens."""
    if not batch.webhook_url:
        return
    delivery = uuid.uuid4().hex
    body = {"id": delivery, "event": event, "batch": batch.batch_id, "data": facts}
    WebhookDelivery.objects.create(
        batch=batch, delivery_id=delivery, body=json.dumps(body, ensure_ascii=False)
    )


def start() -> None:
    loop.start("webhooks", deliver_next)


def deliver_next() -> bool:
    """Tell one thing that is due, if there is any."""
    now = timezone.now()
    due = WebhookDelivery.objects.filter(due_at__lte=now)
    accounts = set(due.order_by().values_list("batch__user", flat=True))
    if not accounts:
        return False
    account = _queue.next_of(accounts)
    delivery = due.filter(batch__user=account).order_by("due_at").first()
    if delivery is None:  # another process was quicker
        return True
    same = WebhookDelivery.objects.filter(pk=delivery.pk, due_at=delivery.due_at)
    if same.update(due_at=now + LEASE):
        started = monotonic()
        _attempt(WebhookDelivery.objects.select_related("batch__user").get(pk=delivery.pk))
        _queue.took(account, monotonic() - started)
    return True


# By the time that the accounts' servers take, so that a slow one keeps its own waiting.
_queue = FairQueue()


def _attempt(delivery: WebhookDelivery) -> None:
    batch, body = delivery.batch, delivery.body.encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "X-Webhook-Id": delivery.delivery_id,
        "X-Webhook-Signature": signature(secret_of(batch.user), body, int(time.time())),
    }
    limits = fetch.FetchLimits(
        max_bytes=0,
        total_seconds=SECONDS,
        connect_seconds=CONNECT_SECONDS,
        max_redirects=0,
        allow=settings.IMAGE_URL_ALLOW,
    )
    try:
        status = fetch.post(batch.webhook_url, body, headers, limits)
        _put_down(delivery, taken=200 <= status < 300, answer=f"HTTP status {status}")
    except fetch.FetchError as error:
        _put_down(delivery, taken=False, answer=str(error))


def _put_down(delivery: WebhookDelivery, taken: bool, answer: str) -> None:
    now = timezone.now()
    delivery.attempts += 1
    delivery.last_answer = answer[:200]
    over = taken or delivery.attempts > len(DELAYS)
    delivery.due_at = None if over else now + DELAYS[delivery.attempts - 1]
    delivery.delivered_at = now if taken else None
    delivery.save(update_fields=["attempts", "last_answer", "due_at", "delivered_at"])
