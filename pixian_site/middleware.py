"""What every request passes first: probes, a request id, HTTPS where required, a language."""

import time
import uuid
from collections.abc import Callable

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
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

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class ProbesMiddleware:
    """Answers monitoring before all rules: it asks a process by address, not the site by name."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        probe = views.PROBES.get(request.path_info.rstrip("/"))
        return probe(request) if probe else self.get_response(request)


class RequestIdMiddleware:
    """Gives each request an id that stands in the answer, the logs and the usage page.

    An answer that repeats an earlier one (Idempotency-Key) keeps the id of that one.
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
    """Answers HEAD with the headers of GET, on every path: views need not know of it."""

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
    """The server sends what it is given, also after HEAD."""
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
    """Pages ask for no camera, place or the like, so nothing that gets into one may either."""

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
    """What somebody who is signed in is shown is kept by no proxy on the way: some go by an
    address's ending alone, and by it the table of one's requests is a file like any other."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_open = "Cache-Control" in response or not request.session.accessed
        if not is_open and request.user.is_authenticated:
            patch_cache_control(response, private=True, no_cache=True)
        return response


class AdminSecondFactorMiddleware:
    """With ADMIN_REQUIRE_MFA the admin opens only to sessions that showed a second factor.

    That the account has one is not enough: a session may be older than it, and know the password
    alone.
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


class LanguageMiddleware:
    """The address decides on the language; where it names none, the cookie and the browser do.

    The whole site stands a second time under `/ja/`: what follows that is looked up as usual, and
    the addresses that pages are given begin with it too. A public page is one language an address,
    so that readers of another are sent on.
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
        """The answer at `path`, all its links below the language's folder."""
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
