"""An account's use-before date: the latest date set by purchases that were not taken back.

One date for the whole balance. A purchase moves it forward, never back. When its payment is taken
back in full, the date becomes what it would be without that purchase, so that nobody reactivates
dormant credits by buying the smallest pack and having it refunded. Call with the account locked.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from django.db.models import Q
from django.utils import timezone

from .models import Account, Purchase


def extend(account: Account, purchase: Purchase) -> None:
    """The purchase has been paid; the caller saves both."""
    purchase.use_before_without = account.use_before
    purchase.use_before = timezone.localdate() + timedelta(days=purchase.validity_days)
    account.use_before = _later(account.use_before, purchase.use_before)
    account.pack_name = purchase.pack_name


def withdraw(account: Account, purchase: Purchase) -> None:
    """The purchase was taken back. Dates that it did not set stay."""
    without = purchase.use_before_without
    for other in _paid_after(purchase):
        if other.use_before_without == purchase.use_before:
            other.use_before_without = without
            other.save(update_fields=["use_before_without"])
        if other.stands and other.use_before:
            without = _later(without, other.use_before)
    if account.use_before == purchase.use_before:
        account.use_before = without
    _save(account)


def restore(account: Account, purchase: Purchase) -> None:
    """The purchase is valid again: a refund failed, or a dispute was won."""
    if purchase.use_before is None:
        return
    for other in _paid_after(purchase):
        other.use_before_without = _later(other.use_before_without, purchase.use_before)
        other.save(update_fields=["use_before_without"])
    account.use_before = _later(account.use_before, purchase.use_before)
    _save(account)


def _paid_after(purchase: Purchase) -> Iterator[Purchase]:
    later = Q(paid_at__gt=purchase.paid_at) | Q(paid_at=purchase.paid_at, pk__gt=purchase.pk)
    paid = Purchase.objects.filter(later, account=purchase.account_id, state=Purchase.State.PAID)
    yield from paid.order_by("paid_at", "pk")


def _save(account: Account) -> None:
    paid = account.purchases.filter(state=Purchase.State.PAID).order_by("-paid_at", "-pk")
    account.pack_name = next((row.pack_name for row in paid if row.stands), "")
    account.save(update_fields=["use_before", "pack_name"])


def _later(known: date | None, other: date) -> date:
    return other if known is None else max(known, other)
