"""The page at `/` and the requests that its script sends."""

from dataclasses import replace
from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from . import limits, page_text, services
from .api.errors import error_response, request_id_of
from .api.headers import image_response
from .api.reading import read_source
from .api.views import gone_of
from .engine import parse_options
from .errors import RemovalError
from .models import Removal

SAMPLES = (
    ("astronaut", _("An astronaut before a flag and a model of the shuttle")),
    ("coffee", _("A cup of coffee on a wooden table")),
    ("chelsea", _("A cat, close up")),
)
SIZES = (
    ("1000 1000", _("1000 × 1000, square")),
    ("2000 2000", _("2000 × 2000, marketplaces")),
    ("1080 1350", _("1080 × 1350, portrait post")),
    ("1080 1920", _("1080 × 1920, story")),
    ("1920 1080", _("1920 × 1080, slide")),
)
CODE_LANGUAGES = (("curl", "curl"), ("python", "Python"), ("javascript", "JavaScript (Node)"))


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    context = {
        "samples": [_sample(name, title) for name, title in SAMPLES],
        "texts": {key: str(sentence) for key, sentence in page_text.SCRIPT_TEXTS.items()},
        "max_bytes": settings.REMOVAL_MAX_UPLOAD_BYTES,
        "max_megabytes": settings.REMOVAL_MAX_UPLOAD_BYTES // settings.MIB,
        "max_pixels": settings.REMOVAL_ANONYMOUS_MAX_PIXELS,
        "max_result_pixels": settings.REMOVAL_MAX_RESULT_PIXELS,
        "social_picture": request.build_absolute_uri(static("img/social.jpg")),
        "sizes": SIZES,
        "code_languages": CODE_LANGUAGES,
        "free_megapixels": settings.REMOVAL_ANONYMOUS_MAX_PIXELS / 1_000_000,
    }
    return render(request, "removal/home.html", context)


def _sample(name: str, title: Promise) -> dict[str, str | Promise]:
    return {
        "file": f"{name}.jpg",
        "title": title,
        "photo": static(f"img/samples/{name}.jpg"),
        "thumbnail": static(f"img/samples/{name}-thumb.jpg"),
    }


@require_POST
def removals(request: HttpRequest) -> HttpResponse:
    """One picture in, its cut-out out; free, unmarked, at most the visitors' pixels."""
    address = request.META["REMOTE_ADDR"]
    caller = services.Caller(
        request_id=request_id_of(request),
        via=Removal.Via.PAGE,
        owner=address,
        gone=gone_of(request),
    )
    try:
        outcome = services.remove_background(caller, partial(_free_order, request, address))
    except RemovalError as error:
        return error_response(request, page_text.for_people(error))
    return image_response(outcome, partial(services.mark_delivered, outcome))


def _free_order(request: HttpRequest, address: str) -> services.Order:
    """Read once a place is sure, so that being turned away uses up none of the visitor's hour."""
    limits.admit_visitor(address)
    fields = {name: str(value) for name, value in request.POST.items()}
    source = read_source(fields, request.FILES.getlist("image"))
    options = parse_options(fields)
    free = min(options.max_pixels, settings.REMOVAL_ANONYMOUS_MAX_PIXELS)
    return services.Order(source, replace(options, max_pixels=free))
