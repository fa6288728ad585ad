"""Metrics read when Prometheus scrapes: slots, the queue, the engine, pending payments."""

import logging
from collections.abc import Iterator

from django.conf import settings
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from billing import sales, webhooks
from removal import capacity
from removal.execution import readiness

log = logging.getLogger(__name__)


class State(Collector):
    """Values read when Prometheus scrapes; a source that does not answer is left out."""

    def collect(self) -> Iterator[Metric]:
        for look in (_slots, _engine, _payments):
            try:
                yield from look()
            except Exception as error:
                log.warning("Some metrics could not be read: %r", error)

    def describe(self) -> Iterator[Metric]:
        """Read nothing at registration."""
        return iter(())


def _slots() -> Iterator[Metric]:
    taken, waiting = capacity.shared().in_line()
    for name, value, text in (
        ("removal_places", settings.REMOVAL_SLOTS, "Pictures that may be processed at once"),
        ("removal_places_taken", taken, "Pictures in process, over all processes"),
        ("removal_places_waited_for", waiting, "Pictures that wait for a slot, over all processes"),
    ):
        yield GaugeMetricFamily(name, text, value=value)


def _engine() -> Iterator[Metric]:
    state = readiness.state()
    ready = int(not state.reasons)
    yield GaugeMetricFamily("removal_ready", "Whether the engine can work", value=ready)
    text = "Slots whose picture takes far longer than it should"
    yield GaugeMetricFamily("removal_places_stuck", text, value=state.stuck)
    labels = {"model": state.model or "", "device": state.device or ""}
    yield InfoMetricFamily("removal_engine", "What the engine runs, and on what", value=labels)


def _payments() -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "billing_stripe_events_waiting",
        "Events of Stripe's that are stored and could not be applied yet",
        value=webhooks.waiting().count(),
    )
    yield GaugeMetricFamily(
        "billing_payments_without_credits",
        "Payments for staff to look at: they came after closing, or do not fit what was ordered",
        value=sales.uncredited().count(),
    )


def register() -> None:
    REGISTRY.register(State())
