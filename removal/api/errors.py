"""Turns exceptions of all layers into the API's JSON errors."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import Http404, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from rest_framework import exceptions

from accounts.authentication import ApiKeyAuthentication
from removal import errors
from removal.errors import RemovalError
from removal.failures import translate

log = logging.getLogger(__name__)


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponseBase:
    """Django REST framework's hook: every exception of an API view becomes our JSON."""
    return error_response(failure_of(error, context))


def failure_of(error: Exception, context: dict[str, Any]) -> RemovalError:
    """The API error for an exception; unexpected ones are logged."""
    request_id = request_id_of(context["request"]._request)
    known = known_failure(error, request_id) or from_framework(error, context)
    if known is not None:
        return known
    log.exception("Request %s failed", request_id, exc_info=error)
    return errors.InternalError(request_id, settings.SUPPORT_EMAIL)


def known_failure(error: Exception, request_id: str) -> RemovalError | None:
    """As failures.translate; what the caller is not told of an inner part's failure is logged."""
    known = translate(error)
    if known is not None and known is not error and known.detail:
        log.warning("Request %s: %s", request_id, known.detail, exc_info=error)
    return known


class ErrorResponse(JsonResponse):
    """An answer that refuses, in any dialect, and the error that it tells of."""

    def __init__(self, error: RemovalError, body: dict[str, Any], status: int) -> None:
        super().__init__(body, status=status)
        self.error = error


def error_response(error: RemovalError, message: str = "") -> ErrorResponse:
    """message: what stands there in place of the error's own."""
    sentence = message or error.message
    body = {"error": {"status": error.status, "code": error.code, "message": sentence}}
    response = ErrorResponse(error, body, error.status)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        response["WWW-Authenticate"] = ApiKeyAuthentication.challenge
    if isinstance(error, errors.MethodNotAllowed):
        response["Allow"] = ", ".join(error.allowed)
    return response


def error_of(response: HttpResponseBase) -> RemovalError | None:
    """What the answer refuses with; None where it does not."""
    return response.error if isinstance(response, ErrorResponse) else None


def error_code_of(response: HttpResponseBase) -> int | None:
    error = error_of(response)
    return error.code if error else None


def request_id_of(request: HttpRequest) -> str:
    return str(getattr(request, "request_id", ""))


def from_framework(error: Exception, context: dict[str, Any]) -> RemovalError | None:
    """Translate exceptions that Django and REST framework raise before a view runs."""
    match error:
        case exceptions.MethodNotAllowed():
            view, request = context["view"], context["request"]
            return errors.MethodNotAllowed(request.method, view.allowed_methods)
        case Http404():
            return errors.NoSuchPath(context["request"].path)
    return None


def from_bad_request(error: Exception) -> RemovalError:
    """Translate Django's refusals of too large bodies and of unknown host names."""
    if isinstance(error, RequestDataTooBig):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return errors.MalformedBody(
            f"The fields other than files have more than {limit:,} bytes in all. Send the picture "
            "as a file in 'image'."
        )
    if isinstance(error, DisallowedHost):
        return errors.MalformedBody(
            "This service does not answer to the host name of this request. Its operator lists "
            "the names in ALLOWED_HOSTS."
        )
    return errors.MalformedBody("The body has too many fields or could not be read.")
