"""What staff see first in the admin: today's requests and credits, and how the site is."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import sales, totals, webhooks
from billing.models import AuditRun, LedgerEntry
from removal import capacity
from removal.error_table import TABLE
from removal.execution import readiness
from removal.models import Removal

GIB = 1024**3
LITTLE_FREE = 0.2  # share of the disk below which it is marked, as docs/operations.md advises


@dataclass(frozen=True, slots=True)
class Error:
    code: int
    sentence: str
    number: int


@dataclass(frozen=True, slots=True)
class Credits:
    """Of today."""

    sold: Decimal
    used: Decimal


def figures() -> dict[str, Any]:
    """For templates/admin/overview.html."""
    today = timezone.localdate()
    requests = Removal.objects.filter(created_at__date=today)
    state, disk = readiness.state(), shutil.disk_usage(settings.DATA_DIR)
    working, waiting = capacity.shared().in_line()
    return {
        "requests": requests.aggregate(
            all=Count("pk"), failed=Count("pk", Q(status__gte=400)), test=Count("pk", Q(test=True))
        ),
        "errors": list(_errors(requests)),
        "credits": _credits(today),
        "line": {"working": working, "slots": settings.REMOVAL_SLOTS, "waiting": waiting},
        "disk": {
            "free": disk.free / GIB,
            "all": disk.total / GIB,
            "is_low": disk.free < LITTLE_FREE * disk.total,
        },
        "engine": state,
        "audit": AuditRun.objects.order_by("-pk").first(),
        "to_look_at": list(_to_look_at()),
    }


def _errors(requests: Any) -> Iterator[Error]:
    """By code, the most frequent first."""
    failed = requests.filter(status__gte=400).values("error_code").order_by()
    for row in failed.annotate(number=Count("pk")).order_by("-number")[:10]:
        code = row["error_code"] or 0
        known = TABLE.get(code)
        yield Error(code, str(known.title) if known else "", row["number"])


def _credits(today: date) -> Credits:
    kinds = LedgerEntry.Kind
    of = next(iter(totals.days(since=today)), totals.Day(today)).credits
    return Credits(sold=of[kinds.PURCHASE], used=-(of[kinds.SETTLE] + of[kinds.REFUND]))


def _to_look_at() -> Iterator[str]:
    if number := sales.uncredited().count():
        yield _("Payments that need a decision: {number}").format(number=number)
    if number := webhooks.waiting().count():
        yield _("Events of Stripe's that could not be applied yet: {number}").format(number=number)
