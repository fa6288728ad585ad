"""What every answer of the API bears; and the quick answer to a crowd."""

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
    *("Cache-Control", "X-Requested-With"),  # which upload widgets send unasked
)
PREFLIGHT_SECONDS = 7200  # the longest that browsers keep it
# They protect pages or vary with them; answers to programs have neither frames nor languages.
PAGE_HEADERS = ("Content-Security-Policy", "X-Frame-Options", "Vary", "Content-Language")


def open_to_scripts(response: HttpResponseBase) -> None:
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = ", ".join(EXPOSED)


class ApiHeadersMiddleware:
    """Stands before all that may refuse a request, so that refusals can be read too.

    Any origin is safe here: API paths take keys, never cookies, so a foreign page can do with its
    visitor's browser only what its own server could do.
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
    """Turns a crowd away before anything is looked up.

    Whoever was refused for want of a place, and asks again with the same credentials while that is
    known to hold, hears the same: fifty who come at once are told within the time of a few.
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
    """Endpoint and credentials, as a digest; None where another refusal might come first."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if request.method != "POST" or not is_api_path(request.path):
        return None
    if not length.isdigit() or int(length) > settings.REMOVAL_MAX_UPLOAD_BYTES:
        return None
    proof = (request.META.get(name, "") for name in ("HTTP_AUTHORIZATION", "HTTP_X_API_KEY"))
    return hashlib.sha256("\n".join((request.path, *proof)).encode()).digest()
