"""The dashboard: balance, API keys and their requests."""

import csv
import math
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import services, webhook_secrets
from accounts.models import ApiKey, User
from accounts.public import public_address
from billing import ledger
from removal import limits
from removal import usage as usage_of
from removal.models import Removal

from . import chart, exports
from .forms import ApiKeyForm, KeyLimitForm, LowBalanceForm, RotateForm, WebhookSecretForm

DAYS = 30
PAGE_SIZE = 50
MAX_KEYS = 50


@require_GET
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    drawn = _chart(user)
    account = ledger.state(user)
    context = {
        "account": account,
        "low_balance_form": LowBalanceForm(initial={"threshold": account.low_balance_threshold}),
        "chart": drawn,
        "requests": sum(day.requests for day in drawn.days),
        "errors": sum(day.errors for day in drawn.days),
        "spent": sum((day.credits for day in drawn.days), Decimal(0)),
        "recent": _removals(user)[:10],
    }
    return render(request, "dashboard/overview.html", context)


@require_POST
@login_required
def low_balance(request: HttpRequest) -> HttpResponse:
    """Set the threshold for the low-balance mail."""
    form = LowBalanceForm(request.POST)
    if form.is_valid():
        ledger.set_low_balance_threshold(_user(request), form.cleaned_data["threshold"])
        messages.success(request, _("Saved."))
    else:
        messages.error(request, _("That is not a number of credits."))
    return redirect("dashboard")


@require_GET
@login_required
def usage(request: HttpRequest) -> HttpResponse:
    """Every request, newest first; errors with the message sent to the client."""
    errors_only = "errors" in request.GET
    rows = _removals(_user(request))
    if errors_only:
        rows = rows.filter(status__gte=400)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "dashboard/usage.html", {"page": page, "errors_only": errors_only})


@require_GET
@login_required
def usage_csv(request: HttpRequest) -> StreamingHttpResponse:
    response = StreamingHttpResponse(_csv(_removals(_user(request))), content_type="text/csv")
    response["Content-Disposition"] = 'attachment; filename="requests.csv"'
    return response


@require_GET
@login_required
@never_cache
def export(request: HttpRequest) -> HttpResponseBase:
    """All data stored about the user, without secrets; rate-limited, because it reads every row."""
    user = _user(request)
    if wait := limits.count_export(user):
        minutes = {"minutes": math.ceil(wait / 60)}
        text = _("Your data can be exported once an hour. Come back in %(minutes)d min.") % minutes
        answer = HttpResponse(text, "text/plain; charset=utf-8", 429)
        answer["Retry-After"] = str(wait)
        return answer
    response = StreamingHttpResponse(exports.of(user), content_type="application/json")
    response["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
def api_keys(request: HttpRequest) -> HttpResponse:
    """The list of keys; a POST creates a key and shows its secret once."""
    user = _user(request)
    form = ApiKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        refusal = _too_many_keys(user) or _too_many_new_keys(user)
        if not refusal:
            return _show_once(request, *services.issue_api_key(user, **form.cleaned_data))
        form.add_error(None, refusal)
    keys = [(key, ledger.spent_this_month(key)) for key in _with_usage(user)]
    return render(request, "dashboard/keys.html", {"keys": keys, "form": form, "days": DAYS})


@require_http_methods(["GET", "POST"])
@login_required
def api_key(request: HttpRequest, public_id: str) -> HttpResponse:
    """Change a key's label or limit, replace it, or revoke it."""
    key = _own_key(request, public_id)
    form = KeyLimitForm(request.POST or None, instance=key)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("The key is changed."))
        return redirect("api_keys")
    context = {"key": key, "form": form, "rotate_form": RotateForm()}
    return render(request, "dashboard/key.html", context)


@require_POST
@login_required
@never_cache
def rotate_key(request: HttpRequest, public_id: str) -> HttpResponse:
    key = _own_key(request, public_id)
    form = RotateForm(request.POST)
    if not form.is_valid() or key.revoked_at is not None:
        messages.error(request, _("This key cannot be replaced."))
        return redirect("api_keys")
    if refusal := _too_many_new_keys(key.user):
        messages.error(request, refusal)
        return redirect("api_key", public_id)
    return _show_once(request, *services.rotate(key, form.overlap()))


@require_http_methods(["GET", "POST"])
@login_required
@reauthentication_required(allow_get=False)  # type: ignore[untyped-decorator]
@never_cache
def webhook_secret(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the key's webhook secret; a POST replaces it."""
    key = _own_key(request, public_id)
    form = WebhookSecretForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        webhook_secrets.replace(key, form.overlap())
        messages.success(request, _("The webhook secret is replaced."))
        return redirect("webhook_secret", public_id)
    rows = webhook_secrets.rows_that_sign(key)
    secret = webhook_secrets.read(rows[0]) if rows else ""
    context = {"key": key, "form": form, "before": rows[1:], "secret": secret}
    return render(request, "dashboard/webhook_secret.html", context)


@require_POST
@login_required
def revoke_key(request: HttpRequest, public_id: str) -> HttpResponse:
    services.revoke(_own_key(request, public_id))
    messages.success(request, _("The key is revoked: it is refused from now on."))
    return redirect("api_keys")


def _show_once(request: HttpRequest, key: ApiKey, secret: str) -> HttpResponse:
    # Rendered without a redirect, for which the secret would have to be stored.
    endpoint = public_address(request, "/api/v2/remove-background")
    context = {"key": key, "secret": secret, "endpoint": endpoint}
    return render(request, "dashboard/key_created.html", context)


def _user(request: HttpRequest) -> User:
    assert request.user.is_authenticated
    return request.user


def _own_key(request: HttpRequest, public_id: str) -> ApiKey:
    return get_object_or_404(_user(request).api_keys, public_id=public_id)


def _too_many_keys(user: User) -> str:
    if _live(user.api_keys.all()).count() < MAX_KEYS:
        return ""
    return _("You have as many keys as an account may have: revoke one first.")


def _too_many_new_keys(user: User) -> str:
    wait = limits.count_new_key(user)
    if not wait:
        return ""
    minutes = math.ceil(wait / 60)
    text = _("Too many new keys in an hour. You can create the next one in %(minutes)d min.")
    return text % {"minutes": minutes}


def _live(keys: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
    return keys.filter(Q(revoked_at=None) | Q(revoked_at__gt=timezone.now()))


def _removals(user: User) -> QuerySet[Removal]:
    return Removal.objects.filter(user=user).select_related("api_key").order_by("-created_at")


def _with_usage(user: User) -> list[ApiKey]:
    """The keys, each with `requests` and `spent` of the last days."""
    used = usage_of.by_key(user, timezone.localdate() - timedelta(days=DAYS - 1))
    keys = list(user.api_keys.all())
    for key in keys:
        own = used.get(key.pk, usage_of.Usage())
        vars(key).update(requests=own.requests, spent=own.credits)
    return keys


def _chart(user: User) -> chart.Chart:
    """Of the last days, including those without requests."""
    first = timezone.localdate() - timedelta(days=DAYS - 1)
    return chart.draw(usage_of.by_day(user, first), first, DAYS)


class _Echo:
    """A file for csv.writer whose write() returns the line."""

    def write(self, line: str) -> str:
        return line


def _csv(rows: QuerySet[Removal]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(exports.COLUMNS)
    for row in rows.values_list(*exports.COLUMNS).iterator(chunk_size=1000):
        yield writer.writerow([_harmless(value) for value in row])


def _harmless(value: Any) -> Any:
    """Spreadsheets run text that begins like a formula, and errors can quote callers' input."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
