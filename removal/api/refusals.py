"""Refusals that come from no endpoint, in the words of the dialect that their path belongs to."""

from django.http import HttpRequest, HttpResponse

from removal.errors import RemovalError

from . import removebg
from .errors import error_response
from .paths import REMOVEBG_PREFIX


def refuse(request: HttpRequest, failure: RemovalError) -> HttpResponse:
    if request.path.startswith(REMOVEBG_PREFIX):
        return removebg.refuse(request, failure)
    return error_response(request, failure)
