"""The page at `/`; workbench.py answers the requests that its script sends."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from accounts.public import public_address
from billing import ledger

from .. import limits, offers, recipes
from ..engine import MAX_PIXELS
from ..engine.reading.decode import MAX_INPUT_PIXELS
from . import kept, own_recipes, samples, texts, workbench

SIZES = (
    ("1000 1000", _("1000 × 1000, square")),
    ("2000 2000", _("2000 × 2000, marketplaces")),
    ("1080 1350", _("1080 × 1350, portrait post")),
    ("1080 1920", _("1080 × 1920, story")),
    ("1920 1080", _("1920 × 1080, slide")),
)
RETURNING = "pictures-wait"  # tells the sign-in pages to say so
CODE_LANGUAGES = (("curl", "curl"), ("python", "Python"), ("javascript", "JavaScript (Node)"))


@require_GET
@cache_control(private=True, no_cache=True)
def home(request: HttpRequest) -> HttpResponse:
    owner = kept.owner_of(request)
    context = {
        "samples": [_sample(sample) for sample in samples.SAMPLES],
        "texts": {key: str(sentence) for key, sentence in texts.SCRIPT_TEXTS.items()},
        "max_bytes": settings.REMOVAL_MAX_UPLOAD_BYTES,
        "max_megabytes": settings.REMOVAL_MAX_UPLOAD_BYTES // settings.MIB,
        "max_pixels": settings.REMOVAL_ANONYMOUS_MAX_PIXELS,
        "max_result_pixels": settings.REMOVAL_MAX_RESULT_PIXELS,
        "social_picture": public_address(request, static("img/social.jpg")),
        "sizes": SIZES,
        "recipes": _recipes(owner),
        "code_languages": CODE_LANGUAGES,
        "models": _models(),
        "free_megapixels": settings.REMOVAL_ANONYMOUS_MAX_PIXELS / 1_000_000,
        "kept": workbench.as_dicts(owner),
        "kept_hours": kept.kept_hours(),
        **_free(request, owner),
        **_prices(owner),
    }
    response = render(request, "removal/home.html", context)
    if settings.REMOVAL_PAGE_KEEP_SECONDS:
        kept.remember_visitor(response, owner)
    return response


def _free(request: HttpRequest, owner: kept.Owner) -> dict[str, Any]:
    """What is left of the hour, and the ways to more."""
    return {
        "allowance": limits.allowance(owner.user, kept.address_of(request)),
        "account_pictures": settings.REMOVAL_SIGNED_IN_PER_HOUR,
        "way_in": reverse("account_signup" if settings.SIGNUP_OPEN else "account_login"),
        "way_back": f"{reverse('home')}?{RETURNING}",
    }


def _recipes(owner: kept.Owner) -> dict[str, Any]:
    """The site's recipes and the visitor's own."""
    site = [
        {"name": row.name, "title": gettext(row.title), "parameters": row.parameters}
        for row in recipes.ROWS
    ]
    return {"site": site, "own": own_recipes.as_dicts(owner.user)}


def _models() -> list[dict[str, str | Promise]]:
    """The networks that the visitor may choose among."""
    offered = offers.choice()
    labels: list[str | Promise] = [offer.title for offer in offered]
    if len(offered) == 2:
        labels = [_("Fast"), _("Best")]
    return [
        {
            "name": offer.name,
            "label": label,
            "title": offer.title,
            "factor": offer.factor_text,
        }
        for offer, label in zip(offered, labels, strict=True)
    ]


def _prices(owner: kept.Owner) -> dict[str, Any]:
    """The price of full resolution, by the rule of billing.pricing, and the user's credits."""
    return {
        "full_pixels": MAX_PIXELS,
        "input_pixels": MAX_INPUT_PIXELS,
        "full_megapixels": MAX_PIXELS // 1_000_000,
        "price_base": f"{settings.CREDITS_BASE:f}",
        "price_per_megapixel": f"{settings.CREDITS_PER_MEGAPIXEL:f}",
        "balance": f"{ledger.state(owner.user).credits:f}" if owner.user else "",
    }


def _sample(sample: samples.Sample) -> dict[str, str | Promise]:
    folder = f"img/samples/{sample.name}"
    return {
        "name": sample.name,
        "kind": sample.kind,
        "title": sample.title,
        "file": sample.photo.name,
        "photo": static(f"{folder}.jpg"),
        "before": static(f"{folder}-before.avif"),
        "after": static(f"{folder}-after.avif"),
    }
