"""The pages of the API documentation and their context."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.public import public_address
from removal import engine
from removal.api.reading import MAX_BASE64, V2_PARAMETERS
from removal.engine.geometry import MAX_ASPECT
from removal.engine.reading.decode import MAX_INPUT_PIXELS
from removal.error_table import ROWS

from . import samples, tables

Context = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """`name` is part of the URL and the template; `show` adds the page's own context."""

    name: str
    path: str
    title: str | Promise
    summary: str | Promise
    show: Callable[[HttpRequest], Context]

    @property
    def template(self) -> str:
        return f"docs/{self.name.removeprefix('api_')}.html"


def _nothing(request: HttpRequest) -> Context:
    return {}


def _programs(*tasks: str) -> Callable[[HttpRequest], Context]:
    """The samples of these tasks, each as a list of programs."""

    def show(request: HttpRequest) -> Context:
        address, key = address_of(request), key_of(request)
        programs = {task: samples.of_task(task, address, key) for task in tasks}
        return {"programs": programs, "languages": samples.LANGUAGES}

    return show


def _parameters(request: HttpRequest) -> Context:
    return _programs("hints")(request) | {
        "sources": tables.sources(),
        "parameters": tables.parameters(),
        "formats": tables.formats(),
        "recipes": tables.recipes(),
        "models": tables.models(),
    }


def _answers(request: HttpRequest) -> Context:
    return {"headers": tables.headers()}


def _batches(request: HttpRequest) -> Context:
    return _programs("batch", "webhook")(request) | {
        "calls": tables.batch_calls(),
        "batch_megabytes": 2 * settings.REMOVAL_MAX_UPLOAD_BYTES // settings.MIB,
        "batch_files": settings.DATA_UPLOAD_MAX_NUMBER_FILES,
        "batch_pictures": settings.REMOVAL_BATCH_PICTURES,
        "batches_per_account": settings.REMOVAL_BATCHES_PER_ACCOUNT,
        "batch_keep_hours": settings.REMOVAL_BATCH_KEEP_SECONDS // 3600,
    }


def _errors(request: HttpRequest) -> Context:
    return {"errors": ROWS, "parameters": [row.name for row in V2_PARAMETERS]}


def _moving(request: HttpRequest) -> Context:
    return {"older_names": tables.older_names(), "removebg": tables.removebg()}


PAGES = (
    Page(
        "api_docs",
        "docs",
        _("Quick start"),
        _("From a key to the first cut-out in two minutes."),
        _programs("upload"),
    ),
    Page(
        "api_parameters",
        "docs/parameters",
        _("Parameters"),
        _("What can be sent: pictures, crop, margins, size, background, formats."),
        _parameters,
    ),
    Page(
        "api_answers",
        "docs/answers",
        _("Answers and prices"),
        _("The headers, the price of a picture, the balance."),
        _answers,
    ),
    Page(
        "api_samples",
        "docs/samples",
        _("Sample programs"),
        _("curl, Python, Node.js, PHP, Java, C#, Ruby and Go, ready to run."),
        _programs("upload", "url"),
    ),
    Page(
        "api_batches",
        "docs/batches",
        _("Batches"),
        _("Many pictures at once: send them, get webhooks, fetch a ZIP."),
        _batches,
    ),
    Page(
        "api_delta_png",
        "docs/delta-png",
        _("Delta PNG"),
        _("The same result in a fraction of the bytes, with ready-made decoders."),
        _programs("delta"),
    ),
    Page(
        "api_errors",
        "docs/errors",
        _("Errors"),
        _("Every code, what it means and what to do about it."),
        _errors,
    ),
    Page(
        "api_limits",
        "docs/limits",
        _("Limits and repeats"),
        _("Speed, waiting, time limits, repeating safely, test mode."),
        _nothing,
    ),
    Page(
        "api_moving",
        "docs/moving",
        _("Moving here"),
        _("From Pixian.AI, from version 1 and from remove.bg: change the URL."),
        _moving,
    ),
    Page(
        "api_changes",
        "docs/changes",
        _("API changes"),
        _("What has been added, and what will not change."),
        _nothing,
    ),
)


@require_GET
def page(request: HttpRequest, page: Page) -> HttpResponse:
    context = {
        "page": page,
        "pages": PAGES,
        "site": address_of(request),
        "key": key_of(request),
        "key_is_own": key_of(request) != samples.PUBLIC_ID,
        **_numbers(),
        **page.show(request),
    }
    return render(request, page.template, context)


def address_of(request: HttpRequest) -> str:
    """The site's public URL for the samples."""
    return public_address(request).rstrip("/")


def key_of(request: HttpRequest) -> str:
    """The Id of the reader's newest key, or a placeholder."""
    if not request.user.is_authenticated:
        return samples.PUBLIC_ID
    keys = request.user.api_keys.order_by("-created_at")
    now = timezone.now()
    alive = (key for key in keys if key.revoked_at is None or key.revoked_at > now)
    newest = next(alive, None)
    return newest.public_id if newest else samples.PUBLIC_ID


def _numbers() -> Context:
    """The limits and prices in the texts."""
    return {
        "max_megabytes": settings.REMOVAL_MAX_UPLOAD_BYTES // settings.MIB,
        "max_input_pixels": MAX_INPUT_PIXELS,
        "max_pixels": engine.MAX_PIXELS,
        "max_megapixels": engine.MAX_PIXELS // 1_000_000,
        "max_base64": MAX_BASE64,
        "max_result_pixels": settings.REMOVAL_MAX_RESULT_PIXELS,
        "max_aspect": MAX_ASPECT,
        "credits_base": settings.CREDITS_BASE,
        "credits_per_megapixel": settings.CREDITS_PER_MEGAPIXEL,
        "queue_seconds": f"{settings.REMOVAL_QUEUE_SECONDS:g}",
        "deadline_seconds": f"{settings.REMOVAL_DEADLINE_SECONDS:g}",
        "account_concurrency": settings.REMOVAL_ACCOUNT_CONCURRENCY,
        "fetch_seconds": f"{settings.IMAGE_URL_SECONDS:g}",
        "fetch_redirects": settings.IMAGE_URL_REDIRECTS,
        "free_tests": settings.REMOVAL_FREE_TESTS_PER_HOUR,
        "keep_hours": settings.REMOVAL_IDEMPOTENCY_KEEP // 3600,
        "support_email": settings.SUPPORT_EMAIL,
    }
