"""The text pages: about, questions and answers, privacy, terms."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from pixian_site import licences
from removal.page import kept

PAGES = ("about", "faq", "privacy", "terms")


@require_GET
def page(request: HttpRequest, name: str) -> HttpResponse:
    context = {
        "support_email": settings.SUPPORT_EMAIL,
        "seller": settings.SELLER,
        "kept_hours": kept.kept_hours(),
        "signup_credits": settings.SIGNUP_CREDITS,
        "networks": licences.networks_in_use(),
        "commercial_use": _commercial_use(),
        "questions": _questions() if name == "faq" else (),
    }
    return render(request, f"pages/{name}.html", context)


def _commercial_use() -> str:
    """By the strictest licence among the networks in use."""
    match licences.in_use():
        case "permissive":
            return _("Yes, as far as you had the right to use the picture in the first place.")
        case "disputed data":
            return _(
                "The network's own licence allows it. The data it was trained on is offered for "
                "non-commercial use, and whether that binds results is not settled: for commercial "
                "use, ask whoever runs this site, or your lawyer."
            )
        case "non-commercial":
            return _("No: the network in use is licensed for non-commercial use only.")
        case "unknown":
            return _(
                "That depends on the network that whoever runs this site has chosen: ask them."
            )


def _is_kept() -> str:
    hours = kept.kept_hours()
    if not hours:
        return _("No. It is deleted from the server as soon as your browser has the result.")
    return ngettext(
        "For %(hours)s hour, for you alone, so that a reload of the page loses nothing. What you "
        "remove from the page is deleted on the server ten seconds later: until then you can undo "
        "it.",
        "For %(hours)s hours, for you alone, so that a reload of the page loses nothing. What you "
        "remove from the page is deleted on the server ten seconds later: until then you can undo "
        "it.",
        hours,
    ) % {"hours": hours}


def _questions() -> tuple[tuple[str, str], ...]:
    """Questions with answers; numbers come from the settings."""
    free = {
        "megapixels": f"{settings.REMOVAL_ANONYMOUS_MAX_PIXELS / 1_000_000:g}",
        "pictures": settings.REMOVAL_ANONYMOUS_PER_HOUR,
    }
    megabytes = settings.REMOVAL_MAX_UPLOAD_BYTES // settings.MIB
    return (
        (
            _("What does it cost?"),
            _(
                "On this page up to %(pictures)s pictures an hour are free, without a watermark, "
                "at up to %(megapixels)s megapixels. Full resolution costs credits, here and "
                "through the API; API tests are free and have a watermark."
            )
            % free,
        ),
        (
            _("Which pictures can I send?"),
            _(
                "JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF and BMP with up to 32 megapixels and "
                "%(megabytes)s MB. Of animations and documents the first picture is used."
            )
            % {"megabytes": megabytes},
        ),
        (
            _("What works best?"),
            _(
                "A clear subject that stands out from what is behind it: people, animals, things "
                "for sale, cars. Glass, smoke and very busy scenes are hard; you can correct the "
                "result with the brushes under “Touch up”."
            ),
        ),
        (
            _("Is my picture kept?"),
            _is_kept(),
        ),
        (
            _("May I use the results commercially?"),
            _commercial_use(),
        ),
        (
            _("Why is the result empty?"),
            _(
                "No subject was found. Pictures such as landscapes or textures have none; the API "
                "charges nothing for them."
            ),
        ),
    )
