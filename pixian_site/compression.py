"""Answers of text are sent compressed to whoever takes them so."""

import re

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

TEXT = re.compile(r"text/|application/(json|yaml|xml|javascript|vnd\.oai)|image/svg")
# Longer JSON is a picture in Base64 (remove.bg's clients ask for it): a quarter smaller at best,
# for seconds of work. No page is so long.
MAX_BYTES = 1024 * 1024


class CompressText(GZipMiddleware):
    """Django's, for text alone: pictures are compressed already.

    BREACH guesses a page's secret from the length of its compressed answers. Django adds up to 100
    random bytes to each answer and masks the CSRF token anew each time; API answers hold no secret
    and are made for nobody's cookie. Static files were compressed once, when they were collected.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        is_text = TEXT.match(response.get("Content-Type", ""))
        if not is_text or not isinstance(response, HttpResponse):  # none that is streamed
            return response
        if len(response.content) > MAX_BYTES:
            return response
        return super().process_response(request, response)
