"""The admin pages for money: read-only, except for ledger actions, which need a reason."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet, Value
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import ledger, sales, stripe_gateway, totals, webhooks
from .errors import BillingError
from .models import (
    Account,
    CreditPack,
    Hold,
    LedgerEntry,
    PackPrice,
    Purchase,
    Reversal,
    StripeEvent,
)
from .stripe_gateway import GatewayError

MOVE = "billing.move_credits"
LATEST = 200
BUTTON = ' <button class="button" formmethod="post" formaction="{}">{}</button>'


class ReasonForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500)


class AmountForm(ReasonForm):
    credits = forms.DecimalField(
        label=gettext_lazy("Credits"), max_digits=12, decimal_places=3, min_value=0
    )
    field_order = ("credits", "reason")


class ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LatestEntries(BaseInlineFormSet):  # type: ignore[type-arg]
    def get_queryset(self) -> QuerySet[LedgerEntry]:
        return super().get_queryset()[:LATEST]


class LedgerEntryInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = LedgerEntry
    formset = LatestEntries
    verbose_name_plural = gettext_lazy("latest ledger entries")
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
    list_display = ("__str__", "balance", "held", "use_before", "pack_name", "shortfall")
    list_filter = (("use_before", admin.EmptyFieldListFilter), "pack_name")
    list_select_related = ("user",)
    search_fields = ("user__email", "=user__api_keys__public_id", "=entries__request_id")
    search_help_text = gettext_lazy("Email address, API Id or request id")
    fields = ("user", "balance", "held", "use_before", "pack_name", "shortfall", "created_at")
    inlines = (LedgerEntryInline,)
    change_form_template = "admin/billing/account/change_form.html"
    change_list_template = "admin/billing/account/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("totals/", view(self.totals), name="billing_totals"),
            path("<int:pk>/grant/", view(self.grant), name="billing_grant"),
            path("<int:pk>/remove/", view(self.remove), name="billing_remove"),
            *super().get_urls(),
        ]

    def grant(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._move(request, pk, ledger.grant, _("Grant credits"))

    def remove(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._move(request, pk, ledger.remove, _("Remove credits"))

    def totals(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = self.admin_site.each_context(request) | {
            "title": _("Daily totals"),
            "days": totals.days(),
            "outstanding": totals.outstanding(),
        }
        return render(request, "admin/billing/totals.html", context)

    def _move(
        self, request: HttpRequest, pk: int, move: Callable[..., LedgerEntry], title: str
    ) -> HttpResponse:
        account = get_object_or_404(Account.objects.exclude(user=None), pk=pk)
        back = reverse("admin:billing_account_change", args=[pk])
        form = AmountForm(request.POST or None)

        def act() -> LedgerEntry:
            values = form.cleaned_data
            return move(account.user, values["credits"], values["reason"], request.user)

        return _confirmed(self, request, account, form, title, back, act)


@admin.register(Hold)
class HoldAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("created_at", "account", "amount", "state", "request_id", "refund_link")
    list_filter = ("state",)
    list_select_related = ("account__user",)
    search_fields = ("account__user__email", "=request_id")
    date_hierarchy = "created_at"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/refund/", view(self.refund), name="billing_refund"),
            *super().get_urls(),
        ]

    @admin.display(description=gettext_lazy("Refund"))
    def refund_link(self, hold: Hold) -> str | SafeString:
        if hold.state not in Hold.CHARGED:
            return ""
        address = reverse("admin:billing_refund", args=[hold.pk])
        return format_html('<a href="{}">{}</a>', address, _("Refund"))

    def refund(self, request: HttpRequest, pk: int) -> HttpResponse:
        hold = get_object_or_404(Hold, pk=pk)
        back = reverse("admin:billing_account_change", args=[hold.account_id])
        form = ReasonForm(request.POST or None)

        def act() -> LedgerEntry:
            return ledger.refund(hold, form.cleaned_data["reason"], request.user)  # type: ignore[arg-type]

        return _confirmed(self, request, hold, form, _("Refund a request"), back, act)


def _confirmed(
    model_admin: admin.ModelAdmin,  # type: ignore[type-arg]
    request: HttpRequest,
    subject: Model,
    form: forms.Form,
    title: str,
    back: str,
    act: Callable[[], LedgerEntry],
) -> HttpResponse:
    """Ask for amount and reason, write the ledger entry, log it under the acting admin."""
    if not request.user.has_perm(MOVE):
        raise PermissionDenied
    if form.is_valid():
        try:
            entry = act()
        except BillingError as error:
            form.add_error(None, error.message)
        else:
            note = f"{title}: {entry.amount} credits ({entry.reason})"
            model_admin.log_change(request, subject, note)
            messages.success(request, note)
            return redirect(back)
    context = model_admin.admin_site.each_context(request)
    context |= {"title": title, "subject": subject, "form": form, "back": back}
    return render(request, "admin/billing/move.html", context)


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
        "actor",
    )
    list_filter = ("kind",)
    list_select_related = ("account__user", "actor")
    search_fields = ("account__user__email", "=request_id")
    date_hierarchy = "created_at"


class PackPriceInline(admin.TabularInline):  # type: ignore[type-arg]
    model = PackPrice
    extra = 1


@admin.register(CreditPack)
class CreditPackAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "credits", "validity_days", "price_list", "position", "is_active")
    list_editable = ("position", "is_active")
    inlines = (PackPriceInline,)

    @admin.display(description=gettext_lazy("Prices"))
    def price_list(self, pack: CreditPack) -> str:
        return ", ".join(str(price) for price in pack.prices.all())


class ReversalInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Reversal
    max_num = 0


@admin.register(Purchase)
class PurchaseAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "created_at",
        "account",
        "pack_name",
        "credits",
        "price",
        "state",
        "attention",
        "at_stripe",
    )
    list_filter = ("state", "problem", "currency", "pack_name")
    list_select_related = ("account__user",)
    search_fields = ("account__user__email", "=session_id", "=payment_intent", "=reference")
    date_hierarchy = "created_at"
    exclude = ("use_before_without",)
    readonly_fields = ("attention",)
    inlines = (ReversalInline,)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/return/", view(self.give_money_back), name="billing_return"),
            path("<int:pk>/accept/", view(self.accept), name="billing_accept"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Purchase]:
        purchases: QuerySet[Purchase] = super().get_queryset(request)
        return purchases.annotate(may_move=Value(request.user.has_perm(MOVE)))

    @admin.display(description="Stripe")
    def at_stripe(self, purchase: Purchase) -> str | SafeString:
        if not purchase.payment_intent:
            return ""
        address = stripe_gateway.dashboard_url(purchase)
        return format_html('<a href="{}" rel="noreferrer">{}</a>', address, _("at Stripe"))

    @admin.display(description=gettext_lazy("Needs attention"))
    def attention(self, purchase: Purchase) -> str | SafeString:
        """Why the purchase needs attention, with buttons for the possible decisions."""
        problem = purchase.get_problem_display()
        if purchase.state != Purchase.State.UNCREDITED or not getattr(purchase, "may_move", False):
            return problem
        choices = []
        if purchase.payment_intent:
            choices.append((reverse("admin:billing_return", args=[purchase.pk]), _("Refund")))
        if purchase.account.user_id:
            address = reverse("admin:billing_accept", args=[purchase.pk])
            choices.append((address, _("Give the credits")))
        return format_html("{}{}", problem, format_html_join("", BUTTON, choices))

    def give_money_back(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._settle(request, pk, sales.return_payment, _("Refunded at Stripe"))

    def accept(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._settle(request, pk, sales.accept, _("The credits were given"))

    def _settle(
        self, request: HttpRequest, pk: int, act: Callable[[Purchase], None], done: str
    ) -> HttpResponse:
        purchase = get_object_or_404(Purchase, pk=pk)
        if request.method != "POST" or not request.user.has_perm(MOVE):
            raise PermissionDenied
        try:
            act(purchase)
        except (BillingError, GatewayError) as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, purchase, done)
            messages.success(request, f"{purchase}: {done}")
        return redirect("admin:billing_purchase_changelist")


class EventState(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("failed", _("failed, tried again")), ("waiting", _("not processed yet"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[StripeEvent]) -> Any:
        if self.value() is None:
            return queryset
        waiting = queryset.filter(processed_at=None)
        return waiting.filter(failures__gt=0) if self.value() == "failed" else waiting


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("received_at", "type", "purchase", "processed_at", "failures", "error")
    list_filter = (EventState, "type")
    search_fields = ("=event_id",)
    date_hierarchy = "received_at"
    actions = ("try_again", "set_aside")

    @admin.action(description=gettext_lazy("Try again now"), permissions=["move"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[StripeEvent]) -> None:
        applied = 0
        for event in queryset.filter(processed_at=None):
            try:
                webhooks.attempt(event)
                applied += 1
            except webhooks.EventFailed as error:
                messages.error(request, f"{event}: {error.__cause__}")
        messages.success(request, _("Applied: %d") % applied)

    @admin.action(description=gettext_lazy("Set aside: never apply"), permissions=["move"])
    def set_aside(self, request: HttpRequest, queryset: QuerySet[StripeEvent]) -> None:
        """For events handled by hand; the reason for the failure stays on the row."""
        for event in queryset.filter(processed_at=None):
            webhooks.set_aside(event)
            self.log_change(request, event, "Set aside")

    def has_move_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MOVE)
