"""Prometheus metrics of payments; those read from the database are in pixian_site/gauges.py."""

from prometheus_client import Counter

_failed_events = Counter(
    "billing_stripe_events_failed",
    "Attempts to apply an event of Stripe's that failed, by type; each is tried again",
    ("type",),
)
UNREADABLE = "unreadable"


def count_failed_event(kind: str) -> None:
    _failed_events.labels(kind).inc()
