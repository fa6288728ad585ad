"""The usage of accounts: a row for each request, and daily sums for old ones."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts.models import User

from .models import DailyUsage, Removal

CHUNK = 2000  # rows summed up at a time, to keep transactions short


@dataclass(slots=True)
class Usage:
    requests: int = 0
    errors: int = 0
    credits: Decimal = Decimal(0)

    def add(self, requests: int, errors: int, credits_: Decimal) -> None:
        self.requests += requests
        self.errors += errors
        self.credits += credits_


def by_day(user: User, first: date) -> dict[date, Usage]:
    """The account's usage by day since `first`, without empty days."""
    rows = Removal.objects.filter(user=user, created_at__date__gte=first)
    return _summed(
        _sums(rows.annotate(day=TruncDate("created_at")), "day"),
        _old(DailyUsage.objects.filter(user=user, day__gte=first), "day"),
    )


def by_key(user: User, first: date) -> dict[int | None, Usage]:
    """The usage of each of the account's keys since that day, by the key's pk."""
    rows = Removal.objects.filter(user=user, created_at__date__gte=first)
    old = DailyUsage.objects.filter(user=user, day__gte=first)
    return _summed(_sums(rows, "api_key"), _old(old, "api_key"))


def age_out(now: datetime | None = None) -> int:
    """Sum up and delete the rows of old days; the number deleted."""
    today = timezone.localdate(now)
    last = today - timedelta(days=settings.REMOVAL_REQUESTS_KEEP_DAYS)
    before = timezone.make_aware(datetime.combine(last, time.min))
    number = 0
    while aged := _age_out_some(before):
        number += aged
    return number


def _age_out_some(before: datetime) -> int:
    """Lock rows to sum up; concurrent processes skip them."""
    with transaction.atomic():
        rows = Removal.objects.filter(created_at__lt=before).order_by("pk")
        pks = list(
            rows.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)[
                :CHUNK
            ]
        )
        some = Removal.objects.filter(pk__in=pks).annotate(day=TruncDate("created_at"))
        sums: Any = some.order_by().values("day", "user", "api_key").annotate(**_AGGREGATES)
        DailyUsage.objects.bulk_create(
            DailyUsage(
                day=row["day"],
                user_id=row["user"],
                api_key_id=row["api_key"],
                requests=row["requests"],
                errors=row["errors"],
                credits=row["credits"],
            )
            for row in sums
        )
        Removal.objects.filter(pk__in=pks).delete()
    return len(pks)


_AGGREGATES: dict[str, Any] = {
    "requests": Count("pk"),
    "errors": Count("pk", filter=Q(status__gte=400)),
    "credits": Sum("credits_charged", default=Decimal(0)),
}


def _sums(rows: Any, name: str) -> Iterable[tuple[Any, ...]]:
    sums = rows.order_by().values(name).annotate(**_AGGREGATES)
    found: Iterable[tuple[Any, ...]] = sums.values_list(name, *_AGGREGATES)
    return found


def _old(rows: Any, name: str) -> Iterable[tuple[Any, ...]]:
    found: Iterable[tuple[Any, ...]] = rows.values_list(name, *_AGGREGATES)
    return found


def _summed(*parts: Iterable[tuple[Any, ...]]) -> dict[Any, Usage]:
    summed: dict[Any, Usage] = defaultdict(Usage)
    for part in parts:
        for name, *figures in part:
            summed[name].add(*figures)
    return dict(summed)
