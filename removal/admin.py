"""The admin page of requests: searchable by address, API Id or request id."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from .models import Removal


@admin.register(Removal)
class RemovalAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "created_at",
        "request_id",
        "user",
        "via",
        "test",
        "status",
        "error_code",
        "error_message",
        "model",
        "credits_charged",
        "duration_ms",
    )
    list_filter = ("via", "test", "status", "model")
    list_select_related = ("user",)
    search_fields = ("=request_id", "user__email", "=api_key__public_id")
    search_help_text = _("Email address, API Id or request id")
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
