"""The pages for buying credits, and the endpoint for Stripe's webhooks."""

import logging
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from accounts.public import public_address

from . import metrics, quotes, sales, stripe_gateway, webhooks
from .errors import TooManyPurchases
from .forms import MAX_PIXELS, CalculatorForm
from .models import PackPrice, Purchase
from .stripe_gateway import BadSignature, GatewayError
from .stripe_objects import UnexpectedShape

log = logging.getLogger(__name__)


@require_GET
def pricing(request: HttpRequest) -> HttpResponse:
    """The credit packs and the price of a picture; public."""
    currencies = quotes.ordered(_currencies(), get_language() or settings.LANGUAGE_CODE)
    currency = request.GET.get("currency", "")
    if currency not in currencies:
        currency = next(iter(currencies), "")
    form = CalculatorForm(request.GET if "width" in request.GET else None)
    prices = PackPrice.objects.filter(pack__is_active=True, currency=currency)
    prices = prices.select_related("pack").order_by("pack__position", "pack__credits")
    context = {
        "currencies": currencies,
        "currency": currency,
        "form": form,
        "per_picture": form.credits(),
        "size": urlencode(form.cleaned_data) if form.is_valid() else "",
        "prices": [(price, quotes.of_pack(price)) for price in prices if price.is_chargeable],
        "can_buy": stripe_gateway.is_configured(),
        "base": settings.CREDITS_BASE.normalize(),
        "per_megapixel": settings.CREDITS_PER_MEGAPIXEL.normalize(),
        "max_pixels": MAX_PIXELS,
        **_free(),
    }
    return render(request, "billing/pricing.html", context)


@require_POST
@login_required
def buy(request: HttpRequest) -> HttpResponse:
    """Open a Stripe Checkout session for one pack."""
    price = get_object_or_404(
        PackPrice.objects.select_related("pack"),
        pk=_number(request.POST.get("price")),
        pack__is_active=True,
    )
    if not price.is_chargeable:
        raise Http404
    if not stripe_gateway.is_configured():
        messages.error(request, _("Buying is switched off on this site."))
        return redirect("pricing")
    assert request.user.is_authenticated
    try:
        purchase = sales.start(request.user, price)
    except TooManyPurchases as error:
        refusal = render(request, "429.html", status=429)
        refusal["Retry-After"] = str(error.retry_after)
        return refusal
    thanks = public_address(request, reverse("thanks", args=[purchase.reference]))
    try:
        checkout = stripe_gateway.open_checkout(
            purchase, request.user.email, thanks, public_address(request, _pricing(price))
        )
    except GatewayError as error:
        log.warning("checkout of purchase %s failed: %s", purchase.reference, error)
        sales.record_unpaid(purchase, Purchase.State.EXPIRED)
        messages.error(
            request, _("The payment page could not be opened. You have not been charged.")
        )
        return redirect(_pricing(price))
    sales.record_session(purchase, checkout.session_id)
    # Not a redirect: the policy form-action 'self' would stop a form's redirect to Stripe.
    response = render(request, "billing/checkout.html", {"url": checkout.url})
    response["Refresh"] = f"0; url={checkout.url}"
    return response


@require_GET
@login_required
def thanks(request: HttpRequest, reference: UUID) -> HttpResponse:
    """Where Stripe sends the payer back: shows the purchase's recorded state."""
    context = {"purchase": _own(request, reference), "support_email": settings.SUPPORT_EMAIL}
    return render(request, "billing/thanks.html", context)


@require_GET
@login_required
def purchases(request: HttpRequest) -> HttpResponse:
    return render(request, "billing/purchases.html", {"purchases": _all_own(request)[:500]})


@require_GET
@login_required
def receipt(request: HttpRequest, reference: UUID) -> HttpResponse:
    """A page to print or save as PDF."""
    purchase = _own(request, reference)
    if purchase.state != Purchase.State.PAID:
        return redirect("thanks", reference=reference)
    context = {"purchase": purchase, "seller": settings.SELLER}
    return render(request, "billing/receipt.html", context)


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Receive a webhook. After any status but 200, Stripe retries for three days."""
    try:
        event = stripe_gateway.read_event(request.body, request.headers.get("Stripe-Signature", ""))
    except BadSignature:
        return JsonResponse({"error": "The signature is not valid."}, status=400)
    except UnexpectedShape:
        metrics.count_failed_event(metrics.UNREADABLE)
        log.exception("A delivery that Stripe signed could not be read")
        raise
    try:
        webhooks.receive(event)
    except webhooks.EventFailed as error:
        return JsonResponse(
            {"error": "Please deliver again."}, status=503 if error.temporary else 500
        )
    return JsonResponse({"received": True})


def _free() -> dict[str, Any]:
    """What costs nothing."""
    return {
        "free_megapixels": settings.REMOVAL_ANONYMOUS_MAX_PIXELS / 1_000_000,
        "visitor_pictures": settings.REMOVAL_ANONYMOUS_PER_HOUR,
        "account_pictures": settings.REMOVAL_SIGNED_IN_PER_HOUR,
        "free_tests": settings.REMOVAL_FREE_TESTS_PER_HOUR,
        "signup_credits": settings.SIGNUP_CREDITS,
        "signup_open": settings.SIGNUP_OPEN,
    }


def _currencies() -> list[str]:
    active = PackPrice.objects.filter(pack__is_active=True)
    return list(active.order_by("currency").values_list("currency", flat=True).distinct())


def _all_own(request: HttpRequest) -> QuerySet[Purchase]:
    assert request.user.is_authenticated
    return Purchase.objects.filter(account__user=request.user)


def _own(request: HttpRequest, reference: UUID) -> Purchase:
    return get_object_or_404(_all_own(request).prefetch_related("reversals"), reference=reference)


def _pricing(price: PackPrice) -> str:
    return f"{reverse('pricing')}?currency={price.currency}"


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0
