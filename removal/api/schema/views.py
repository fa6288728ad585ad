"""GET /api/schema, and the explorer page at /api/explorer."""

import yaml
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.public import public_address

from .document import document

JSON, YAML = "json", "yaml"
# What may be asked for in Accept; the first is what others get.
MEDIA_TYPES = {
    "application/json": JSON,
    "application/yaml": YAML,
    "application/vnd.oai.openapi+json": JSON,
    "application/vnd.oai.openapi": YAML,
}


class WithoutAliases(yaml.CSafeDumper):
    """Writes what is used twice out twice: not every reader of OpenAPI follows YAML's aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


class SchemaView(APIView):
    """GET /api/schema. YAML for ?format=yaml or an Accept header that prefers it, else JSON. Needs
    no key."""

    authentication_classes = []
    permission_classes = []

    def get(self, request: Request) -> HttpResponse:
        media_type = _media_type(request)
        kind = MEDIA_TYPES[media_type]
        headers = {"Content-Disposition": f'inline; filename="openapi.{kind}"'}
        content = document(public_address(request).rstrip("/"))
        if kind == JSON:
            return JsonResponse(content, content_type=media_type, headers=headers)
        text = yaml.dump(content, Dumper=WithoutAliases, sort_keys=False, allow_unicode=True)
        return HttpResponse(text, content_type=f"{media_type}; charset=utf-8", headers=headers)


def _media_type(request: Request) -> str:
    named = request.query_params.get("format")
    if named in (JSON, YAML):
        return f"application/{named}"
    accepted = request._request.get_preferred_type(list(MEDIA_TYPES))
    return accepted or next(iter(MEDIA_TYPES))


@require_GET
def explorer(request: HttpRequest) -> HttpResponse:
    """GET /api/explorer: a page to read and try the API."""
    return render(request, "removal/explorer.html")
