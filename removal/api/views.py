"""The endpoints. A view reads, calls one service, formats."""

from collections.abc import Callable
from functools import partial

from django.http import HttpRequest, HttpResponse
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import ApiKey, User
from removal import services
from removal.errors import NoSuchPath

from . import reading
from .errors import error_response, request_id_of
from .headers import image_response


class RemoveBackground(APIView):
    """POST /api/v2/remove-background"""

    parser_classes = [MultiPartParser, FormParser, JSONParser]

    def post(self, request: Request) -> HttpResponse:
        reading.check_length(request)
        outcome = services.remove_background(
            caller_of(request), partial(reading.read_order, request)
        )
        return image_response(outcome, partial(services.mark_delivered, outcome))


def caller_of(request: Request) -> services.Caller:
    key, user = request.auth, request.user
    assert isinstance(key, ApiKey)
    assert isinstance(user, User)
    return services.Caller(
        request_id=request_id_of(request._request),
        via="api",
        owner=key.public_id,
        key=key,
        user=user,
        gone=gone_of(request._request),
    )


def gone_of(request: HttpRequest) -> Callable[[], bool]:
    """Whether the client has hung up, as far as the server can tell."""
    asked: Callable[[], bool] = request.META.get("waitress.client_disconnected", lambda: False)
    return asked


def no_such_path(request: HttpRequest) -> HttpResponse:
    return error_response(request, NoSuchPath(request.path))
