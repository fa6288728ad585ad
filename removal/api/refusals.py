"""Errors outside of any endpoint, in the format of the path's dialect."""

from django.http import HttpRequest, HttpResponse

from removal.errors import RemovalError

from .errors import error_response
from .paths import REMOVEBG_PREFIX
from .removebg import views as removebg


def refuse(request: HttpRequest, failure: RemovalError) -> HttpResponse:
    own_words = request.path.startswith(REMOVEBG_PREFIX)
    response = (removebg.refuse if own_words else error_response)(failure)
    response["Content-Length"] = str(len(response.content))  # or the connection can't be reused
    return response
