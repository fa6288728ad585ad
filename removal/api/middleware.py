"""What every answer of the API bears: leave for scripts of any site to read it, no page headers."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from .headers import EXPOSED
from .paths import is_api_path

GetResponse = Callable[[HttpRequest], HttpResponseBase]
ALLOWED_HEADERS = ("Authorization", "X-Api-Key", "Content-Type", "Idempotency-Key")
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
