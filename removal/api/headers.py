"""The response to a finished request: the picture and its headers."""

from decimal import Decimal
from typing import TypeVar

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase

from removal import storage
from removal.engine import Box, extension_of
from removal.outcomes import Outcome
from removal.services import mark_delivered

Response = TypeVar("Response", bound=HttpResponseBase)
# The headers that scripts of other origins may read.
EXPOSED = (
    "X-Credits-Charged", "X-Credits-Calculated", "X-Credits-Remaining", "X-Input-Orientation",
    "X-Input-Size", "X-Result-Size", "X-Input-Foreground", "X-Result-Foreground",
    "X-Result-Shadow", "X-Model", "X-Request-Id",
    "X-Type", "X-Width", "X-Height", "X-Max-Width", "X-Max-Height", "X-Foreground-Top",
    "X-Foreground-Left", "X-Foreground-Width", "X-Foreground-Height", "X-RateLimit-Limit",
    "X-RateLimit-Remaining", "X-RateLimit-Reset", "Idempotency-Replayed", "Retry-After",
    "Deprecation", "Link", "Content-Disposition",
)  # fmt: skip


class DeliveredResponse(HttpResponse):
    """Makes the charge final when its last byte has been passed to the server."""

    def __init__(self, content: bytes, content_type: str, outcome: Outcome) -> None:
        super().__init__(content, content_type=content_type)
        self._outcome = outcome

    def close(self) -> None:
        super().close()
        mark_delivered(self._outcome)


def image_response(outcome: Outcome) -> HttpResponse:
    result = outcome.result
    return described(DeliveredResponse(result.content, result.media_type, outcome), outcome)


def stored_response(name: str, media_type: str, file_name: str) -> HttpResponseBase:
    """A file of the storage: out of its folder itself, where it lies in one, so that no reader,
    however slow, costs a copy of it in memory or in the temporary folder. FileNotFoundError."""
    file = storage.opened(name)
    if file is None:
        return HttpResponse(storage.get(name), content_type=media_type)
    return FileResponse(file, content_type=media_type, filename=file_name)


def described(response: Response, outcome: Outcome) -> Response:
    """With the outcome's headers."""
    name = f"cut-out.{extension_of(outcome.options)}"
    response["Content-Disposition"] = f'inline; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    for header, value in facts_of(outcome).items():
        response[header] = value
    return response


def facts_of(outcome: Outcome) -> dict[str, str]:
    """The X- headers of the contract."""
    facts = outcome.result.facts
    headers = {
        "X-Credits-Charged": credits_text(outcome.credits_charged),
        "X-Input-Orientation": str(facts.input_orientation),
        "X-Input-Size": _pair(facts.input_size),
        "X-Result-Size": _pair(facts.result_size),
        "X-Input-Foreground": _box(facts.input_foreground),
        "X-Result-Foreground": _box(facts.result_foreground),
    }
    if outcome.options.model:  # of results stored before networks could be chosen it is not known
        headers["X-Model"] = outcome.options.model
    if outcome.options.shadow != "none":
        headers["X-Result-Shadow"] = facts.shadow
    if outcome.options.watermark and outcome.credits_calculated is not None:
        headers["X-Credits-Calculated"] = f"{outcome.credits_calculated:.3f}"
    if outcome.credits_remaining is not None:
        headers["X-Credits-Remaining"] = f"{outcome.credits_remaining:.3f}"
    if outcome.replay_of:
        headers |= {"X-Request-Id": outcome.replay_of, "Idempotency-Replayed": "true"}
    return headers


def credits_text(amount: Decimal) -> str:
    """Three decimals, but a plain 0 if nothing was charged."""
    return f"{amount:.3f}" if amount else "0"


def _pair(size: tuple[int, int]) -> str:
    return f"{size[0]} {size[1]}"


def _box(box: Box) -> str:
    return f"{box.top} {box.left} {box.width} {box.height}"
