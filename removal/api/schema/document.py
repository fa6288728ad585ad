"""The OpenAPI 3.1 document: the paths of the URL patterns, the operations of our table."""

from typing import Any

from django.conf import settings
from rest_framework.schemas.generators import EndpointEnumerator

from .operations import COMPONENTS, OPERATIONS

TAGS = ("v2", "batches", "remove.bg", "v1")  # in this order


def document(server: str) -> dict[str, Any]:
    """The document for the site at `server`, a URL without a trailing slash."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": settings.SITE_NAME,
            "version": "2.0.0",
            "description": "Removes the background of pictures.",
            "contact": {"email": settings.SUPPORT_EMAIL},
        },
        "servers": [{"url": server}],
        "tags": [{"name": name} for name in TAGS],
        "paths": _paths(),
        "components": COMPONENTS,
    }


def _paths() -> dict[str, dict[str, Any]]:
    """Path, without the optional trailing slash -> method -> operation. Only our table's."""
    paths: dict[str, dict[str, Any]] = {}
    for path, method, callback in EndpointEnumerator().get_api_endpoints():
        operation = OPERATIONS.get((callback.cls, method))
        if operation is not None:
            plain = path.rstrip("/").replace(r"\.", ".")  # as the pattern escapes it
            paths.setdefault(plain, {})[method.lower()] = operation
    return paths
