"""The endpoints. A view reads, calls one service, formats."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.parsers import FormParser, JSONParser
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import ApiKey, User
from accounts.public import public_address
from billing import ledger
from removal import services
from removal.engine.options import Parameter
from removal.errors import NoSuchPath

from . import reading
from .errors import error_response, request_id_of
from .headers import image_response
from .parsers import PartsParser


class Endpoint(APIView):
    """The base of all endpoints: an API key is required, except for OPTIONS (CORS preflight)."""

    parser_classes = [PartsParser, FormParser, JSONParser]

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        if request.method != "OPTIONS":
            super().initial(request, *args, **kwargs)

    def options(self, request: Request, *args: object, **kwargs: object) -> HttpResponse:  # type: ignore[override]
        return HttpResponse(status=204, headers={"Allow": ", ".join(self.allowed_methods)})


class RemoveBackground(Endpoint):
    """POST /api/v2/remove-background"""

    names: ClassVar[Mapping[str, str]] = {}
    parameters: ClassVar[tuple[Parameter, ...]] = reading.V2_PARAMETERS

    def post(self, request: Request) -> HttpResponse:
        reading.check_body(request)
        with services.admitted(caller_of(request)) as work:
            order = reading.read_order(request, self.names, self.parameters)
            outcome = work.remove_background(order)
        return image_response(outcome)


class Account(Endpoint):
    """GET /api/v2/account"""

    def get(self, request: Request) -> HttpResponse:
        state = ledger.state(user_of(request))
        body = {
            "creditPack": state.credit_pack,
            "state": state.state,
            "useBefore": state.use_before.isoformat() if state.use_before else None,
            "credits": float(state.credits),  # thousandths below 10^9: a float holds them exactly
        }
        return JsonResponse(body, headers={"Cache-Control": "private, no-store"})


class Reference(Endpoint):
    """GET /api/docs.md: docs/api.md with this site's URL in its examples. Needs no key."""

    authentication_classes = []
    permission_classes = []

    def get(self, request: Request) -> HttpResponse:
        text = (settings.BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8")
        own = public_address(request).rstrip("/")
        content_type = "text/markdown; charset=utf-8"
        return HttpResponse(text.replace("https://your.site", own), content_type=content_type)


def caller_of(request: Request) -> services.Caller:
    key = request.auth
    assert isinstance(key, ApiKey)
    return services.Caller(
        request_id=request_id_of(request._request),
        via="api",
        concurrency_key=services.account_key(user_of(request)),
        key=key,
        user=user_of(request),
        pays=True,
        disconnected=disconnected_of(request._request),
        endpoint=request.path.rstrip("/"),
        idempotency_key=request.META.get("HTTP_IDEMPOTENCY_KEY"),
    )


def user_of(request: Request) -> User:
    user = request.user
    assert isinstance(user, User)
    return user


def disconnected_of(request: HttpRequest) -> Callable[[], bool]:
    """Whether the client has hung up, as far as the server can tell."""
    asked: Callable[[], bool] = request.META.get("waitress.client_disconnected", lambda: False)
    return asked


@csrf_exempt  # clients without a cookie get the error of the path, not of CSRF
def no_such_path(request: HttpRequest) -> HttpResponse:
    return error_response(NoSuchPath(request.path))
