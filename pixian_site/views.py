"""Probes for monitoring, and the site's error pages."""

import hmac
import logging
import sys
from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.db.utils import Error as DatabaseError
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.urls import get_script_prefix, is_valid_path, reverse
from django.views import defaults
from redis import RedisError

from pixian_site import licences, spooling
from removal import storage
from removal.api.errors import error_response, from_bad_request
from removal.api.paths import is_api_path
from removal.api.refusals import refuse
from removal.errors import InternalError, NoSuchPath
from removal.execution import readiness
from removal.failures import translate
from removal.metrics import exposition
from removal.page import texts
from removal.redis_connection import connect

log = logging.getLogger(__name__)


def metrics(request: HttpRequest) -> HttpResponse:
    """Metrics for Prometheus, protected by METRICS_TOKEN; 404 if that is not set."""
    sent = request.headers.get("Authorization", "")
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    if not settings.METRICS_TOKEN:
        return HttpResponse("METRICS_TOKEN is not set.\n", "text/plain", 404)
    if not hmac.compare_digest(sent.encode(), wanted.encode()):
        answer = HttpResponse("The token is missing or wrong.\n", "text/plain", 401)
        answer["WWW-Authenticate"] = "Bearer"
        return answer
    content, content_type = exposition()
    return HttpResponse(content, content_type)


def healthz(request: HttpRequest) -> HttpResponse:
    """Liveness: the process answers; its dependencies are not checked."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """Readiness: 200 once the weights are warm and every dependency answers."""
    state = readiness.state()
    reasons = [*state.reasons, *_missing()]
    body = {
        "ready": not reasons,
        "model": state.model,
        "device": state.device,
        "licence": licences.in_use(),
        "places": settings.REMOVAL_SLOTS,
        "reasons": reasons,
        "warnings": state.warnings,
    }
    return JsonResponse(body, status=503 if reasons else 200)


def _missing() -> Iterator[str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        yield "The database does not answer."
    try:
        storage.probe()
    except storage.StorageFailed as error:
        log.warning("The storage can't be used: %s", error)
        yield "The storage is full or does not answer."
    if reason := spooling.why_not_ready():
        yield reason
    # With workers, readiness has asked Redis already.
    if settings.REDIS_URL and settings.REMOVAL_EXECUTION == "inline":
        try:
            connect(settings.REDIS_URL).ping()
        except RedisError:
            yield "Redis does not answer."


PROBES = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_api_path(request.path):
        return refuse(request, from_bad_request(exception))
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_api_path(request.path):
        return refuse(request, NoSuchPath(request.path))
    return _with_other_ending(request) or defaults.page_not_found(request, exception)


def _with_other_ending(request: HttpRequest) -> HttpResponseBase | None:
    """Redirect to the same path with or without the trailing slash, if that page exists."""
    path = request.path_info
    other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
    if request.method not in ("GET", "HEAD") or is_valid_path(path) or not is_valid_path(other):
        return None
    query = request.META.get("QUERY_STRING", "")
    return HttpResponseRedirect(
        f"{get_script_prefix().rstrip('/')}{other}{'?' if query else ''}{query}"
    )


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Called while the exception is handled, which may be a known, temporary one."""
    error = sys.exc_info()[1]
    known = translate(error) if isinstance(error, Exception) else None
    if is_api_path(request.path):
        request_id = str(getattr(request, "request_id", ""))
        return refuse(request, known or InternalError(request_id, settings.SUPPORT_EMAIL))
    if known and request.path.startswith(reverse("removals")):  # requested by the page's script
        return error_response(known, texts.sentence_for(known))
    answer = defaults.server_error(request)
    if known:
        answer.status_code = known.status
        answer["Retry-After"] = str(known.retry_after or 5)
    return answer
