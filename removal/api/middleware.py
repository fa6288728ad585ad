"""The API's middleware: CORS headers, and fast 429 answers while the pool is full."""

import hashlib
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from removal import capacity
from removal.errors import RemovalError, SlowDown

from .errors import error_of
from .headers import EXPOSED
from .paths import is_api_path
from .refusals import refuse

MOST_REMEMBERED = 1000
GetResponse = Callable[[HttpRequest], HttpResponseBase]
ALLOWED_HEADERS = (
    *("Authorization", "X-Api-Key", "Content-Type", "Idempotency-Key"),
    *("Cache-Control", "X-Requested-With"),  # which upload widgets send by default
)
PREFLIGHT_SECONDS = 7200  # the maximum that browsers accept
# They only concern pages; API responses have neither frames nor languages.
PAGE_HEADERS = ("Content-Security-Policy", "X-Frame-Options", "Vary", "Content-Language")


def open_to_scripts(response: HttpResponseBase) -> None:
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = ", ".join(EXPOSED)


class ApiHeadersMiddleware:
    """Adds CORS headers, outside of all middleware that may refuse a request, so that scripts can
    read refusals too.

    Any origin is safe: API paths use keys, never cookies, so a foreign page can do no more with its
    visitor's browser than its own server could do.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not is_api_path(request.path):
            return response
        if not response.get("Content-Type", "").startswith("text/html"):
            for header in PAGE_HEADERS:
                del response[header]
        open_to_scripts(response)
        if request.method == "OPTIONS" and response.status_code == 204:
            response["Access-Control-Allow-Methods"] = response["Allow"]
            response["Access-Control-Allow-Headers"] = ", ".join(ALLOWED_HEADERS)
            response["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        return response


class CrowdMiddleware:
    """Repeats a recent 429 from memory while the pool is full.

    Further requests with the same endpoint and credentials get the same answer without any lookup,
    so that a large number at once is answered quickly.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._refused: dict[bytes, SlowDown] = {}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        asker = _asker(request)
        if asker is None:
            return self.get_response(request)
        known = self._refused.get(asker)
        if known and capacity.shared().is_known_full(known.pool):
            return refuse(request, known)
        response = self.get_response(request)
        self._remember(asker, error_of(response))
        return response

    def _remember(self, asker: bytes, refusal: RemovalError | None) -> None:
        if not isinstance(refusal, SlowDown) or not refusal.pool:
            return
        if len(self._refused) >= MOST_REMEMBERED:
            self._refused.clear()
        self._refused[asker] = refusal


def _asker(request: HttpRequest) -> bytes | None:
    """A digest of endpoint and credentials; None if another error might take precedence."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if request.method != "POST" or not is_api_path(request.path):
        return None
    if not length.isdigit() or int(length) > settings.REMOVAL_MAX_UPLOAD_BYTES:
        return None
    proof = (request.META.get(name, "") for name in ("HTTP_AUTHORIZATION", "HTTP_X_API_KEY"))
    return hashlib.sha256("\n".join((request.path, *proof)).encode()).digest()
