"""Staff's view of balances, the ledger and holds: to read, for the ledger alone writes them."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from .models import Account, Hold, LedgerEntry


class ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LedgerEntryInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = LedgerEntry
    fields = (
        "created_at",
        "kind",
        "amount",
        "held_amount",
        "balance_after",
        "request_id",
        "reason",
        "actor",
    )
    ordering = ("-pk",)
    max_num = 0


@admin.register(Account)
class AccountAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("__str__", "balance", "held", "use_before", "pack_name", "created_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "user__api_keys__public_id", "entries__request_id")
    inlines = (LedgerEntryInline,)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "created_at",
        "account",
        "kind",
        "amount",
        "held_amount",
        "balance_after",
        "request_id",
        "reason",
    )
    list_filter = ("kind",)
    list_select_related = ("account__user",)
    search_fields = ("account__user__email", "request_id")
    date_hierarchy = "created_at"


@admin.register(Hold)
class HoldAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("created_at", "account", "amount", "state", "request_id", "expires_at")
    list_filter = ("state",)
    list_select_related = ("account__user",)
    search_fields = ("account__user__email", "request_id")
