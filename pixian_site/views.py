"""Probes for the operator's monitoring, and the error pages of all layers."""

from django.conf import settings
from django.db import connection
from django.db.utils import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views import defaults

from removal import readiness
from removal.api.errors import from_bad_request
from removal.api.paths import is_api_path
from removal.api.refusals import refuse
from removal.errors import InternalError, NoSuchPath


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; says nothing about what it needs."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """200 only when weights are loaded and warm and the database answers."""
    state = readiness.state()
    reasons = list(state.reasons)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        reasons.append("The database does not answer.")
    body = {
        "ready": not reasons,
        "model": state.model,
        "device": state.device,
        "places": settings.REMOVAL_PLACES,
        "reasons": reasons,
    }
    return JsonResponse(body, status=503 if reasons else 200)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_api_path(request.path):
        return refuse(request, from_bad_request(exception))
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_api_path(request.path):
        return refuse(request, NoSuchPath(request.path))
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    if is_api_path(request.path):
        return refuse(
            request, InternalError(str(getattr(request, "request_id", "")), settings.SUPPORT_EMAIL)
        )
    return defaults.server_error(request)
