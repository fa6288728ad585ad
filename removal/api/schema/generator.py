"""The OpenAPI 3.1 document: drf-spectacular, fed with our tables."""

from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from rest_framework.request import Request

from accounts.public import public_address

from .operations import COMPONENTS, OPERATIONS


class OperationSchema(AutoSchema):
    """Takes operations from our table instead of deriving them from serializers."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> dict[str, Any] | None:
        return OPERATIONS.get((type(self.view), method.upper()))


class Generator(SchemaGenerator):
    """The document with its components and the requested server's URL."""

    def get_schema(self, request: Request | None = None, public: bool = False) -> dict[str, Any]:
        document: dict[str, Any] = super().get_schema(request, public)  # type: ignore[no-untyped-call]
        document["components"] = COMPONENTS
        if request is not None:
            document["servers"] = [{"url": public_address(request).rstrip("/")}]
        return document


def endpoints(endpoints: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """drf-spectacular's hook: only our table's endpoints, without the optional trailing slash."""
    return [
        (path.rstrip("/"), *rest)
        for path, *rest in endpoints
        if (getattr(rest[2], "cls", None), rest[1]) in OPERATIONS
    ]
