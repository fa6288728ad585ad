"""GET /api/schema, and the explorer page at /api/explorer."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.views import SpectacularAPIView
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class JsonUnlessYaml(BaseContentNegotiation):
    """YAML for ?format=yaml or a matching Accept header; otherwise JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return None

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        asked = request.query_params.get("format", ""), request.META.get("HTTP_ACCEPT", "")
        accepted = [one for one in renderers if one.media_type in asked[1].split(",")]
        named = [one for one in renderers if one.format == asked[0]]
        chosen = next(iter(named or accepted or renderers))
        return chosen, chosen.media_type


class SchemaView(SpectacularAPIView):
    """GET /api/schema. Needs no key."""

    authentication_classes = []
    permission_classes = []
    content_negotiation_class = JsonUnlessYaml
    renderer_classes = [
        OpenApiJsonRenderer2,
        OpenApiYamlRenderer2,
        OpenApiJsonRenderer,
        OpenApiYamlRenderer,
    ]


@require_GET
def explorer(request: HttpRequest) -> HttpResponse:
    """GET /api/explorer: a page to read and try the API."""
    return render(request, "removal/explorer.html")
