"""Reports faults to Sentry if SENTRY_DSN is set, without personal data."""

from typing import Any

import sentry_sdk
from sentry_sdk.types import Event, Hint

from .logs import clean

KEPT_OF_REQUEST = ("method",)
FLUSH_SECONDS = 2


def start(dsn: str, **options: Any) -> None:
    """Options are those of sentry_sdk.init, for tests. SENTRY_ENVIRONMENT and SENTRY_RELEASE are
    read by the library itself."""
    sentry_sdk.init(
        dsn,
        include_local_variables=False,  # pictures and secrets are local variables
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=0,
        trace_propagation_targets=[],  # sends no tracing headers to picture hosts, Stripe and S3
        before_send=scrubbed,
        **options,
    )


def flush() -> None:
    """Send pending events before the process ends; does nothing without a DSN."""
    sentry_sdk.flush(timeout=FLUSH_SECONDS)


def scrubbed(event: Event, hint: Hint) -> Event:
    """Keep only the request's method; its id leads to the log and the usage page."""
    request = event.get("request", {})
    event["request"] = {name: request[name] for name in KEPT_OF_REQUEST if name in request}
    event.pop("user", None)
    event.pop("extra", None)
    for fault in event.get("exception", {}).get("values", ()):
        # PostgreSQL's further lines quote the row, and a URL may hold a password.
        fault["value"] = clean(str(fault.get("value") or "").partition("\n")[0])
    if "logentry" in event:  # the message without its arguments
        event["logentry"] = {"message": event["logentry"].get("message", "")}
    return event
