"""The site's public URLs, which a request behind a proxy may not show."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest


def public_address(request: HttpRequest, path: str = "/") -> str:
    """The public URL of `path`: under SITE_URL or, without it, under this request's host."""
    return settings.SITE_URL + path if settings.SITE_URL else request.build_absolute_uri(path)


def with_public_links(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """A mail's context with its links rewritten to SITE_URL instead of the request's host."""
    if not settings.SITE_URL:
        return context
    return {name: _public(request, value) for name, value in context.items()}


def _public(request: HttpRequest, value: Any) -> Any:
    if not isinstance(value, str) or urlsplit(value).netloc != request.get_host():
        return value
    return settings.SITE_URL + urlunsplit(urlsplit(value)._replace(scheme="", netloc=""))
