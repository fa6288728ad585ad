"""Credits sold, granted and used for each day, and the sum that customers still hold."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from .models import ZERO, Account, LedgerEntry, Purchase
from .money import display
from .pricing import CREDIT_STEP

DAYS = 90


@dataclass
class Day:
    """Credits by ledger kind, negative where they left accounts; money by currency."""

    date: date
    credits: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    sales: list[str] = field(default_factory=list)


def days(since: date | None = None) -> list[Day]:
    """Latest first, by default of the last DAYS; only days with entries."""
    since = since or timezone.localdate() - timedelta(days=DAYS)
    known: dict[date, Day] = {}
    entries = LedgerEntry.objects.filter(created_at__date__gte=since).exclude(amount=0)
    by_kind = entries.annotate(day=TruncDate("created_at")).values("day", "kind").order_by()
    for row in by_kind.annotate(total=Sum("amount")):
        day = known.setdefault(row["day"], Day(row["day"]))
        day.credits[row["kind"]] = Decimal(row["total"]).quantize(CREDIT_STEP)
    paid = Purchase.objects.filter(paid_at__date__gte=since)
    by_currency = paid.annotate(day=TruncDate("paid_at")).values("day", "currency").order_by()
    for sale in by_currency.annotate(total=Sum("amount_paid")):
        day = known.setdefault(sale["day"], Day(sale["day"]))
        day.sales.append(display(sale["total"], sale["currency"]))
    return [known[day] for day in sorted(known, reverse=True)]


def outstanding() -> Decimal:
    """The sum of all balances: credits that may still be used."""
    total = Account.objects.aggregate(total=Sum("balance"))["total"] or ZERO
    return Decimal(total).quantize(CREDIT_STEP)
