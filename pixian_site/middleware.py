"""The site's middleware: probes, request ids, required HTTPS, languages."""

import time
import uuid
from collections.abc import Callable

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import RequestDataTooBig
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import get_script_prefix, reverse, set_script_prefix
from django.utils import translation
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _

from accounts.services import used_second_factor
from pixian_site import observing, views
from pixian_site.web import crawlers, languages
from removal.api.errors import error_code_of
from removal.api.paths import is_api_path
from removal.api.refusals import refuse
from removal.errors import HttpsRequired

MAX_FORM_BYTES = 256 * 1024  # the admin's longest selection of rows is far below
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class ProbesMiddleware:
    """Answers probes before all other rules: monitoring addresses a process by IP, not by name."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        probe = views.PROBES.get(request.path_info.rstrip("/"))
        return probe(request) if probe else self.get_response(request)


class RequestIdMiddleware:
    """Gives each request an id, shown in the response, the logs and the usage page.

    A response that repeats an earlier one (Idempotency-Key) keeps the earlier id.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started, request_id = time.perf_counter(), uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        with observing.log_lines_of(request_id):
            response = self.get_response(request)
            observing.note(request, response.status_code, error_code_of(response), started)
        response.headers.setdefault("X-Request-Id", request_id)
        return response


class HeadMiddleware:
    """Answers HEAD with the headers of GET, on every path, without support by views."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method != "HEAD":
            return self.get_response(request)
        request.method = "GET"
        try:
            response = self.get_response(request)
        finally:
            request.method = "HEAD"
        return _without_body(response)


def _without_body(response: HttpResponseBase) -> HttpResponseBase:
    """Drop the body, as the server would send it even after HEAD."""
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = ()
    elif isinstance(response, HttpResponse):
        response.headers.setdefault("Content-Length", str(len(response.content)))
        response.content = b""
    return response


class RequireHttpsMiddleware:
    """With REQUIRE_HTTPS, plain HTTP is refused on API paths and redirected on pages.

    Never a redirect for the API: it would drop the POST's body after the secret has already
    travelled in the clear, and the client would not notice.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not settings.REQUIRE_HTTPS or request.is_secure():
            return self.get_response(request)
        if is_api_path(request.path):
            return refuse(request, HttpsRequired())
        response = HttpResponse(status=301)
        response["Location"] = f"https://{request.get_host()}{request.get_full_path()}"
        return response


class PermissionsPolicyMiddleware:
    """Denies browser features that no page needs, such as camera and location, to injected code."""

    denied = ", ".join(
        f"{feature}=()"
        for feature in ("camera", "microphone", "geolocation", "payment", "usb", "browsing-topics")
    )

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", self.denied)
        return response


class PrivatePagesMiddleware:
    """Prevents proxies from caching pages of signed-in users: some decide by the URL's extension,
    and a CSV export looks like a static file."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_open = "Cache-Control" in response or not request.session.accessed
        if not is_open and request.user.is_authenticated:
            patch_cache_control(response, private=True, no_cache=True)
        return response


class AdminSecondFactorMiddleware:
    """With ADMIN_REQUIRE_MFA, only sessions that used a second factor may open the admin.

    That the account has one is not enough: an older session has only used the password.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.ADMIN_REQUIRE_MFA and self._lacks_second_factor(request):
            return self._ask_for_it(request)
        return self.get_response(request)

    def _lacks_second_factor(self, request: HttpRequest) -> bool:
        if not request.path_info.startswith(f"/{settings.ADMIN_PATH}"):
            return False
        user = request.user
        return user.is_authenticated and user.is_staff and not used_second_factor(request, user)

    def _ask_for_it(self, request: HttpRequest) -> HttpResponseBase:
        if is_mfa_enabled(request.user):
            messages.warning(request, _("The admin needs your second factor: enter a code."))
            return redirect_to_login(request.get_full_path(), reverse("mfa_reauthenticate"))
        messages.warning(request, _("The admin needs a second factor. Set one up here."))
        return redirect_to_login(request.get_full_path(), reverse("mfa_activate_totp"))


class ShortFormsMiddleware:
    """Refuses large bodies before they are parsed where nothing but short forms is posted.

    Otherwise every thread could be made to hold several copies of what a photo's other fields may
    weigh (DATA_UPLOAD_MAX_MEMORY_SIZE), sent as a password.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._short = ("/accounts/", "/dashboard", "/i18n/", f"/{settings.ADMIN_PATH}")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if length > MAX_FORM_BYTES and request.path_info.startswith(self._short):
            response = views.bad_request(request, RequestDataTooBig())
            response.status_code = 413
            return response
        return self.get_response(request)


class LanguageMiddleware:
    """The URL decides the language; without a prefix, the cookie and then the browser do.

    The whole site is also served under `/ja/`: the rest of the path is resolved as usual, and links
    on the pages get the prefix too. A public URL has exactly one language, so readers of another
    are redirected.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        named, path = languages.split(request.path_info)
        language = named or translation.get_language_from_request(request)
        translation.activate(language)
        request.LANGUAGE_CODE = language
        if named:
            response = self._below(request, named, path)
        elif self._lives_elsewhere(request, language):
            response = HttpResponseRedirect(languages.address(request.get_full_path(), language))
        else:
            response = self.get_response(request)
        if not named:
            patch_vary_headers(response, ("Accept-Language", "Cookie"))
        response.headers.setdefault("Content-Language", language)
        return response

    def _below(self, request: HttpRequest, language: str, path: str) -> HttpResponseBase:
        """The response at `path`, with all links below the language's prefix."""
        outside = get_script_prefix()
        set_script_prefix(f"/{language}/")
        request.path_info = path
        try:
            return self.get_response(request)
        finally:
            set_script_prefix(outside)

    def _lives_elsewhere(self, request: HttpRequest, language: str) -> bool:
        if language == settings.LANGUAGE_CODE or request.method not in ("GET", "HEAD"):
            return False
        return crawlers.has_languages(request.path_info)
