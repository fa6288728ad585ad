"""Compresses text responses for clients that accept it."""

import re

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

TEXT = re.compile(r"text/|application/(json|yaml|xml|javascript|vnd\.oai)|image/svg")
# Longer JSON is a picture in Base64 (for remove.bg's clients): compression would save a quarter at
# best and take seconds. No page is that long.
MAX_BYTES = 1024 * 1024


class CompressText(GZipMiddleware):
    """Django's GZipMiddleware for text only: pictures are compressed already.

    BREACH guesses a page's secret from the length of compressed responses. Django adds up to 100
    random bytes to each response and masks the CSRF token anew each time; API responses hold no
    secret and do not depend on cookies. Static files are compressed when they are collected.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        is_text = TEXT.match(response.get("Content-Type", ""))
        if not is_text or not isinstance(response, HttpResponse):  # None for streamed responses
            return response
        if len(response.content) > MAX_BYTES:
            return response
        return super().process_response(request, response)
