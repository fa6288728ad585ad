"""Logs and counts every request, without personal data."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.http import HttpRequest

from removal import metrics
from removal.api.paths import REMOVEBG_PREFIX

log = logging.getLogger("pixian_site.requests")
DIALECTS = (
    ("/api/v2/", "v2"),
    ("/api/v1/", "v1"),
    ("/api/", "api"),
    (REMOVEBG_PREFIX, "removebg"),
    ("/removals", "page"),
)


@contextmanager
def log_lines_of(request_id: str) -> Iterator[None]:
    """Add the request's id to all log lines in the block."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    try:
        yield
    finally:
        structlog.contextvars.clear_contextvars()


def note(request: HttpRequest, status: int, code: int | None, started: float) -> None:
    """`started` is a time.perf_counter() value."""
    seconds = time.perf_counter() - started
    metrics.count_request(dialect_of(request.path_info), status, code, seconds)
    fields = {
        "method": request.method,
        "route": route_of(request),
        "status": status,
        "code": code,
        "milliseconds": round(seconds * 1000),
    }
    log.info("request", extra={name: value for name, value in fields.items() if value is not None})


def dialect_of(path: str) -> str:
    return next((name for prefix, name in DIALECTS if path.startswith(prefix)), "site")


def route_of(request: HttpRequest) -> str | None:
    """The URL pattern, because URLs may hold secrets."""
    if request.resolver_match is None:
        return None
    return request.resolver_match.route.removesuffix("/?$")  # a trailing slash makes no other route
