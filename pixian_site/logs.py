"""Logs: a line for people or JSON for machines, each with its request's id, none with secrets.

Pictures never get here, and no line is long enough to hold one.
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
# What log calls may add to their sentence. Django adds whole requests, which stay out.
FIELDS = ("method", "route", "status", "code", "milliseconds")


def configuration(kind: str, level: str) -> dict[str, Any]:
    """For settings.LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"chosen": {"()": lambda: formatter(kind)}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "chosen"}},
        "filters": {
            # Refusals are answers, not faults: Django's line is kept where an exception explains.
            "explained": {
                "()": "django.utils.log.CallbackFilter",
                "callback": lambda record: bool(record.exc_info),
            }
        },
        "loggers": {
            "django.request": {"filters": ["explained"]},
            "waitress.queue": {"level": "ERROR"},  # a line for each who waits for a thread
        },
        "root": {"handlers": ["stderr"], "level": level},
    }


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
    """Paths of links in mails are secrets; the line of the request itself names its route."""
    arguments = event.pop("positional_args")
    if isinstance(arguments, tuple) and any(map(_is_path, arguments)):
        shown = tuple("[path]" if _is_path(value) else value for value in arguments)
        event["event"] = event["_record"].msg % shown
    return event


def without_secrets(logger: Any, method: str, event: Event) -> Event:
    """No secret of the settings, wherever it turned up, and nothing endless."""
    return {name: clean(value) for name, value in event.items()}


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("/")


def clean(value: Any) -> Any:
    """A text without the settings' secrets, cut where it is endless; what is no text as it is."""
    if not isinstance(value, str):
        return value
    for secret in secrets_known:
        value = value.replace(secret, HIDDEN)
    return value if len(value) <= LONGEST else value[:LONGEST] + " [...]"
