"""What every request passes first: a request id, and HTTPS where it is required."""

import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from removal.api.errors import error_response
from removal.api.paths import is_api_path
from removal.errors import HttpsRequired

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RequestIdMiddleware:
    """Gives each request an id that stands in the answer, the logs and the usage page.

    An answer that repeats an earlier one (Idempotency-Key) keeps the id of that one.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.request_id = uuid.uuid4().hex  # type: ignore[attr-defined]
        response = self.get_response(request)
        response.headers.setdefault("X-Request-Id", request.request_id)  # type: ignore[attr-defined]
        return response


class RequireHttpsMiddleware:
    """With REQUIRE_HTTPS, plain HTTP is refused on API paths and redirected on pages.

    Never a redirect for the API: it would drop the POST's body after the secret has already
    travelled in the clear, and the client would not notice.
    """

    exempt = re.compile(r"/(healthz|readyz)/?")

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not settings.REQUIRE_HTTPS or request.is_secure() or self.exempt.fullmatch(request.path):
            return self.get_response(request)
        if is_api_path(request.path):
            return error_response(request, HttpsRequired())
        response = HttpResponse(status=301)
        response["Location"] = f"https://{request.get_host()}{request.get_full_path()}"
        return response
