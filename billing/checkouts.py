"""Expires the open Stripe Checkout sessions of closed accounts."""

import logging
from collections.abc import Iterable
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User

from . import sales, stripe_gateway
from .models import Purchase
from .stripe_gateway import GatewayError

log = logging.getLogger(__name__)
OPEN_FOR = timedelta(hours=25)  # Stripe ends every page after a day


def expire_when_closed(user: User) -> None:
    """After the transaction commits: no database lock should wait for Stripe."""
    begun = list(_open().filter(account__user=user))
    transaction.on_commit(partial(_expire, begun), robust=True)


def expire_of_closed_accounts() -> int:
    """Expire sessions left open after an error or a race; the number expired."""
    return _expire(_open().filter(account__user=None))


def _open() -> QuerySet[Purchase]:
    since = timezone.now() - OPEN_FOR
    begun = Purchase.objects.filter(state=Purchase.State.STARTED, created_at__gt=since)
    return begun.exclude(session_id=None).order_by("-created_at")


def _expire(purchases: Iterable[Purchase]) -> int:
    """Stop at the first request that Stripe does not answer: the hourly job tries again."""
    expired = 0
    for purchase in purchases:
        try:
            stripe_gateway.expire_checkout(purchase.session_id or "")
        except GatewayError as error:
            if error.permanent:  # paid or over: an event says which
                continue
            log.warning("The payment page of purchase %s stays open: %s", purchase.reference, error)
            break
        sales.record_unpaid(purchase, Purchase.State.EXPIRED)
        expired += 1
    return expired
