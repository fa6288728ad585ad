"""Log formats: text or JSON, each line with its request id and without secrets.

Pictures are never logged, and long texts are cut.
"""

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter

from .env import secrets_known

Event = MutableMapping[str, Any]
HIDDEN = "[hidden]"
LONGEST = 20_000
# Django's exceptions for requests that no browser sends: a host that is not ours, for instance.
REFUSED = (
    "DisallowedHost", "DisallowedRedirect", "InvalidSessionKey", "RequestDataTooBig",
    "SuspiciousFileOperation", "SuspiciousMultipartForm", "SuspiciousOperation",
    "SuspiciousSession", "TooManyFieldsSent", "TooManyFilesSent",
)  # fmt: skip
# The extra fields that log calls may add. Django adds whole requests, which are left out.
FIELDS = ("method", "route", "status", "code", "milliseconds")


def configuration(kind: str, level: str) -> dict[str, Any]:
    """For settings.LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"chosen": {"()": lambda: formatter(kind)}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "chosen"}},
        "filters": {
            # Refusals are not faults: keep Django's line only if it has an exception.
            "explained": {
                "()": "django.utils.log.CallbackFilter",
                "callback": lambda record: bool(record.exc_info),
            },
            "refusal": {"()": "django.utils.log.CallbackFilter", "callback": as_refusal},
        },
        "loggers": {
            "django.request": {"filters": ["explained"]},
            **{f"django.security.{name}": {"filters": ["refusal"]} for name in REFUSED},
            "waitress.queue": {"level": "ERROR"},  # a line for each wait for a thread
        },
        "root": {"handlers": ["stderr"], "level": level},
    }


def as_refusal(record: logging.LogRecord) -> bool:
    """Make a fault of a request a warning of one line: any stranger can send such requests, and is
    to fill neither the log with tracebacks nor Sentry."""
    record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
    return True


def formatter(kind: str) -> logging.Formatter:
    renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if kind == "console":
        plain = structlog.dev.plain_traceback
        renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)
    return ProcessorFormatter(
        pass_foreign_args=True,
        foreign_pre_chain=[
            without_paths,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(FIELDS),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            without_secrets,
            renderer,
        ],
    )


def without_paths(logger: Any, method: str, event: Event) -> Event:
    """Mask paths, as links in mails are secrets; the request's own line names the route."""
    arguments = event.pop("positional_args")
    if isinstance(arguments, tuple) and any(map(_is_path, arguments)):
        shown = tuple("[path]" if _is_path(value) else value for value in arguments)
        event["event"] = event["_record"].msg % shown
    return event


def without_secrets(logger: Any, method: str, event: Event) -> Event:
    """Removes the settings' secrets from records and cuts long texts."""
    return {name: clean(value) for name, value in event.items()}


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("/")


def clean(value: Any) -> Any:
    """A text without the settings' secrets, cut if too long; other values unchanged."""
    if not isinstance(value, str):
        return value
    for secret in secrets_known:
        value = value.replace(secret, HIDDEN)
    return value if len(value) <= LONGEST else value[:LONGEST] + " [...]"
