"""Prometheus metrics. Each web process counts for itself; Prometheus adds them up.

Workers have no HTTP endpoint: their stages' durations travel with the results
(removal/execution/wire.py) and are counted by the waiting web process.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Literal

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Histogram, generate_latest

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60)

_requests = Counter(
    "removal_requests",
    "Requests answered, by dialect, HTTP status and error code (empty where there was no error)",
    ("dialect", "status", "code"),
)
_request_seconds = Histogram(
    "removal_request_seconds",
    "From a request's last byte to its answer's first",
    ("dialect",),
    buckets=SECONDS,
)
_stage_seconds = Histogram(
    "removal_stage_seconds", "The stages of work on one picture", ("stage",), buckets=SECONDS
)
_wait_seconds = Histogram(
    "removal_wait_seconds", "How long pictures waited for a slot", buckets=SECONDS
)
_ended_processes = Counter(
    "removal_engine_processes_ended",
    "Engine processes that were replaced: stuck in a picture, or died by themselves",
    ("reason",),
)
for _reason in ("stuck", "died"):
    _ended_processes.labels(_reason)  # exported from the start, as 0
_results = Counter("removal_results", "Results made, by the network that was run", ("model",))
_credits = Counter("removal_credits_charged", "Credits charged for results")


def count_request(dialect: str, status: int, code: int | None, seconds: float) -> None:
    _requests.labels(dialect, str(status), str(code or "")).inc()
    _request_seconds.labels(dialect).observe(seconds)


def count_stages(stages: dict[str, float]) -> None:
    for stage, seconds in stages.items():
        _stage_seconds.labels(stage).observe(seconds)


def count_ended_process(reason: Literal["stuck", "died"]) -> None:
    _ended_processes.labels(reason).inc()


def count_result(model: str, credits_: Decimal) -> None:
    """model: one of those on offer, which are few."""
    _results.labels(model).inc()
    _credits.inc(float(credits_))


@contextmanager
def waiting() -> Iterator[None]:
    """Observes the block's duration unless it raises, as then nobody got a slot."""
    started = time.perf_counter()
    yield
    _wait_seconds.observe(time.perf_counter() - started)


def exposition() -> tuple[bytes, str]:
    """All metrics in Prometheus's text format, and its content type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
