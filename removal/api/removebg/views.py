"""remove.bg's dialect, for its clients: names, headers, responses and errors."""

import base64
import binascii
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.authentication import split_pair
from accounts.errors import UnknownKey
from accounts.models import ApiKey, User
from accounts.services import authenticate_key
from billing import ledger
from removal import capacity, engine, errors, services
from removal.engine import errors as engine_errors
from removal.error_table import TABLE
from removal.outcomes import Outcome
from removal.services import Order, Source, Url

from .. import reading
from ..errors import ErrorResponse, error_response, failure_of
from ..headers import DeliveredResponse, credits_text
from ..parsers import LargeFormParser, LargeJsonParser, PartsParser
from ..views import Endpoint, caller_of, user_of
from .parameters import Refusal, read_options

# Names of what the engine finds wrong; those of our errors stand in the table of errors.
REGIONS: dict[type[BaseException] | type[None], str] = {
    engine_errors.RegionOutside: "roi_exceeds_bounds",
    engine_errors.RegionEmpty: "roi_region_empty",
}
SOURCES = ("image_file", "image_file_b64", "image_url")
ALIASES = {"image_base64": "image_file_b64"}  # sent by the client removebgplus
BACKGROUNDS = ("bg_image_file", "bg_image_url")
# Errors of the endpoint itself, besides those of the table and those named after a parameter.
NO_SOURCE, MANY_SOURCES, MANY_BACKGROUNDS = (
    "missing_source",
    "multiple_sources",
    "multiple_bg_sources",
)
NO_KEY = "No API key was sent. Put ID:SECRET, as key creation shows it, into the header X-Api-Key."


class XApiKey(BaseAuthentication):
    """`X-Api-Key: ID:SECRET`, or the Base64 of that."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey]:
        key = authenticate_key(*_pair(request.META.get("HTTP_X_API_KEY", "").strip()))
        return key.user, key


def _pair(token: str) -> tuple[str, str]:
    if not token:
        raise UnknownKey(NO_KEY)
    if ":" not in token:
        try:
            padded = token + "=" * (-len(token) % 4)
            token = base64.b64decode(padded, validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            raise UnknownKey(NO_KEY) from None
    return split_pair(token)


class RemoveBgEndpoint(Endpoint):
    authentication_classes = [XApiKey]
    key: ApiKey | None = None  # after authentication

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        if request.method != "OPTIONS":
            self.key = caller_of(request).key

    def get_exception_handler(self) -> Any:
        return exception_handler

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return _with_limits(super().dispatch(request, *args, **kwargs), self.key)


def _with_limits(response: HttpResponseBase, key: ApiKey | None = None) -> HttpResponseBase:
    """Rate-limit headers: the key's concurrent requests, which change at any moment."""
    limit = min(settings.REMOVAL_KEY_CONCURRENCY, settings.REMOVAL_ACCOUNT_CONCURRENCY)
    left = limit
    if response.status_code == errors.SlowDown.status:
        left = 0
    elif key:
        left = capacity.shared().free_for(services.claimant_of(key))
    response["X-RateLimit-Limit"] = str(limit)
    response["X-RateLimit-Remaining"] = str(max(left, 0))
    response["X-RateLimit-Reset"] = str(int(time.time()))
    return response


class RemoveBg(RemoveBgEndpoint):
    """POST /v1.0/removebg"""

    parser_classes = [PartsParser, LargeFormParser, LargeJsonParser]
    large_texts = frozenset({"image_file_b64", *ALIASES})

    def post(self, request: Request) -> HttpResponse:
        reading.check_body(request, files=2)
        with services.admitted(caller_of(request)) as work:
            outcome = work.remove_background(read_order(request))
        content, media_type = outcome.result.content, outcome.result.media_type
        if wants_json(request):
            content, media_type = _as_json(outcome), "application/json"
        response = DeliveredResponse(content, media_type, outcome)
        response["Cache-Control"] = "private, no-store"
        for header, value in facts_of(outcome).items():
            response[header] = value
        return response


class Account(RemoveBgEndpoint):
    """GET /v1.0/account"""

    def get(self, request: Request) -> HttpResponse:
        left = float(ledger.state(user_of(request)).credits)
        credits_left = {"subscription": 0, "payg": left, "enterprise": 0, "total": left}
        api = {"free_calls": 0, "sizes": "all"}
        body = {"data": {"attributes": {"credits": credits_left, "api": api}}}
        return JsonResponse(body, headers={"Cache-Control": "private, no-store"})


def read_order(request: Request) -> Order:
    with reading.memory_for(request):
        order = _read_order(request)
        reading.forget_texts(request)
    return order


def _read_order(request: Request) -> Order:
    fields = reading.read_fields(request)
    fields |= {ALIASES[name]: fields[name] for name in ALIASES if fields.get(name, "").strip()}
    options = read_options(_with_query_test(fields, request))
    return Order(
        source=_source(request, fields),
        options=options,
        background=_background(request, fields, options),
        needs_foreground=True,
    )


def _with_query_test(fields: reading.Fields, request: Request) -> reading.Fields:
    try:
        return reading.with_query_test(fields, request)
    except engine.InvalidOption as error:
        raise Refusal(f"invalid_{error.parameter}", error.message) from error


def _source(request: Request, fields: reading.Fields) -> Source:
    files = reading.files_of(request, SOURCES[0])
    names = [name for name in SOURCES[1:] if fields.get(name, "").strip()]
    if not files and fields.get("image_file", ""):
        raise errors.ImageNotAFile("image_file")
    if not files and not names:
        raise Refusal(NO_SOURCE, "Send the image in image_file, image_file_b64 or image_url.")
    if len(files) + len(names) > 1:
        raise Refusal(
            MANY_SOURCES, "Send one of image_file, image_file_b64 and image_url, not several."
        )
    if files:
        return reading.file_bytes(files[0])
    if names == ["image_url"]:
        return Url(fields["image_url"].strip())
    return reading.decode_large_base64(fields["image_file_b64"], "image_file_b64")


def _background(request: Request, fields: reading.Fields, options: engine.Options) -> Source | None:
    files = reading.files_of(request, "bg_image_file")
    if not files and fields.get("bg_image_file", ""):
        raise errors.ImageNotAFile("bg_image_file")
    url = fields.get("bg_image_url", "").strip()
    if len(files) + bool(url) + bool(fields.get("bg_color", "").strip()) > 1:
        raise Refusal(
            MANY_BACKGROUNDS, "Send one of bg_color, bg_image_url and bg_image_file at most."
        )
    if url:
        return Url(url)
    return reading.file_bytes(files[0]) if files else None


def wants_json(request: Request) -> bool:
    """Whether JSON is requested by name; libraries that accept JSON or */* get the picture."""
    accept = request.META.get("HTTP_ACCEPT", "").lower()
    return "application/json" in accept and "*/*" not in accept and "image/" not in accept


def _as_json(outcome: Outcome) -> bytes:
    box = outcome.result.facts.result_foreground
    data = {
        "result_b64": base64.b64encode(outcome.result.content).decode(),
        "foreground_top": box.top,
        "foreground_left": box.left,
        "foreground_width": box.width,
        "foreground_height": box.height,
    }
    return JsonResponse({"data": data}).content


def facts_of(outcome: Outcome) -> dict[str, str]:
    facts = outcome.result.facts
    largest = engine.limited_size(*facts.input_size, engine.MAX_PIXELS)
    box = facts.result_foreground
    numbers = {
        "X-Width": facts.result_size[0],
        "X-Height": facts.result_size[1],
        "X-Max-Width": largest[0],
        "X-Max-Height": largest[1],
        "X-Foreground-Top": box.top,
        "X-Foreground-Left": box.left,
        "X-Foreground-Width": box.width,
        "X-Foreground-Height": box.height,
    }
    headers = {"X-Type": "other", "X-Credits-Charged": credits_text(outcome.credits_charged)}
    if outcome.options.model:
        headers["X-Model"] = outcome.options.model
    if outcome.options.shadow != "none":
        headers["X-Result-Shadow"] = facts.shadow
    if outcome.options.watermark and outcome.credits_calculated is not None:
        headers["X-Credits-Calculated"] = f"{outcome.credits_calculated:.3f}"
    if outcome.replay_of:
        headers |= {"X-Request-Id": outcome.replay_of, "Idempotency-Replayed": "true"}
    return headers | {name: str(number) for name, number in numbers.items()}


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponseBase:
    """The errors of all endpoints in remove.bg's format."""
    failure = failure_of(error, context)
    return _in_their_words(failure, error_response(failure))


@csrf_exempt
def no_such_path(request: HttpRequest) -> HttpResponseBase:
    return refuse(errors.NoSuchPath(request.path))


def refuse(failure: errors.RemovalError) -> ErrorResponse:
    """An error from outside the endpoints."""
    response = _in_their_words(failure, error_response(failure))
    _with_limits(response)
    return response


def _in_their_words(failure: errors.RemovalError, ours: HttpResponseBase) -> ErrorResponse:
    name, status = name_of(failure)
    title, _, detail = failure.message.partition(". ")
    body = {"errors": [{"title": title.rstrip("."), "code": name, "detail": detail}]}
    response = ErrorResponse(failure, body, status or failure.status)
    for header in ("Retry-After", "Allow"):
        if header in ours:
            response[header] = ours[header]
    return response


def name_of(failure: errors.RemovalError) -> tuple[str, int | None]:
    if isinstance(failure, Refusal):
        return failure.name, None
    row = TABLE[failure.code]
    name = REGIONS.get(type(failure.__cause__)) or failure.removebg or row.removebg
    return name or "invalid_request", row.removebg_status
