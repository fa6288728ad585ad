"""Refusals that come from no endpoint, in the words of the dialect that their path belongs to."""

from django.http import HttpRequest, HttpResponse

from removal.errors import RemovalError

from .errors import error_response
from .paths import REMOVEBG_PREFIX
from .removebg import views as removebg


def refuse(request: HttpRequest, failure: RemovalError) -> HttpResponse:
    own_words = request.path.startswith(REMOVEBG_PREFIX)
    response = (removebg.refuse if own_words else error_response)(failure)
    response["Content-Length"] = str(len(response.content))  # else the connection can't be kept
    return response
