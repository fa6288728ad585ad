"""What the documentation says of each error: status and code come from the errors themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.errors import AuthenticationError
from billing.errors import CannotSpend
from removal.errors import PARAMETER_CODES, RemovalError

TEXTS: dict[int, tuple[str | Promise, str | Promise]] = {
    1001: (
        _("The API Id is unknown"),
        _(
            "Or no credentials came with the request. Look the Id up on your API keys page; send "
            "it as the user of HTTP Basic authentication, with the secret as password."
        ),
    ),
    1002: (_("The key is revoked"), _("Its owner ended it. Create a new one.")),
    1003: (
        _("The account is suspended"),
        _("Write to support to learn why and to have it reinstated."),
    ),
    1004: (
        _("The API Secret is wrong"),
        _("It was shown once, when the key was created. If it is lost, create a new key."),
    ),
    1005: (
        _("No picture, or more than one"),
        _("Send exactly one of image, image.base64 and image.url."),
    ),
    1006: (
        _("The picture could not be read"),
        _(
            "It is empty, damaged, cut off, camera raw (DNG, CR2, NEF, ARW and the like), or in "
            "none of the formats that are read. The message says which."
        ),
    ),
    1008: (
        _("The account never had credits"),
        _("Buy a credit pack, or send test=true, which is free."),
    ),
    1010: (
        _("The credits are dormant"),
        _("They are past the date they could be used until. Buying any credit pack wakes them."),
    ),
    1011: (
        _("Not enough credits"),
        _(
            "The message says how many are needed and how many there are. Buy a credit pack, or "
            "lower max_pixels. A key with a monthly limit is refused in the same way."
        ),
    ),
    1012: (
        _("Too many bytes"),
        _("The message names the limit. Save the picture as JPEG, or make it smaller."),
    ),
    1013: (
        _("Too many pixels"),
        _("The message names figure and limit. Make the picture smaller before you send it."),
    ),
    1015: (
        _("Slow down"),
        _(
            "All places are taken, or your key has as many requests under way as a key may have, "
            "or your account has used up this hour's free tests. "
            "Wait as long as Retry-After says, then send the request again."
        ),
    ),
    1016: (
        _("image came as text"),
        _("Send it as a file part of a multipart body, or use image.base64 or image.url."),
    ),
    1017: (
        _("The request waited too long for a place"),
        _("Wait as long as Retry-After says, then send the request again."),
    ),
    1110: (
        _("A Delta PNG would be shrunk"),
        _(
            "It only makes sense at the picture's own size. Raise max_pixels, make the picture "
            "smaller before you send it, or choose another format."
        ),
    ),
    1111: (
        _("The result would be too large or too thin"),
        _(
            "The message names the limit: of the whole canvas, or of a side, which may have 65,500 "
            "pixels in a JPEG and 16,383 in a WebP and be 10,000 times as long as the other, "
            "unless the picture is thinner itself. Change result.target_size or result.margin."
        ),
    ),
    1112: (
        _("roi is not allowed"),
        _("Of remove.bg's endpoint: the region is malformed, empty, or lies outside the picture."),
    ),
    1113: (
        _("The background picture could not be read"),
        _("Of remove.bg's endpoint: see 1006; the same holds for backgrounds."),
    ),
    1114: (
        _("Nothing was found"),
        _(
            "Of remove.bg's endpoint alone, and free. Version 2 answers with a wholly transparent "
            "picture, also free."
        ),
    ),
    1120: (
        _("The body or the Idempotency-Key is malformed"),
        _("The message says what could not be read. JSON bodies are flat objects."),
    ),
    1121: (
        _("image.base64 is not Base64"),
        _("Something other than Base64's characters is in it, or it is cut off."),
    ),
    1122: (
        _("image.base64 is too long"),
        _("Larger pictures are sent as a file."),
    ),
    1123: (
        _("The content type is not supported"),
        _(
            "Send multipart/form-data, or without a file application/x-www-form-urlencoded or "
            "application/json. A bare picture as the body is not read."
        ),
    ),
    1124: (_("There is no such path"), _("The message names the endpoints.")),
    1125: (_("The method is not allowed"), _("The header Allow lists those that are.")),
    1126: (
        _("A request with this Idempotency-Key is under way"),
        _("Wait as long as Retry-After says, then send it again to get that request's result."),
    ),
    1127: (
        _("The result for this Idempotency-Key is no longer kept"),
        _("It was charged once. Use a new key to have the work done again."),
    ),
    1128: (
        _("The Idempotency-Key came before with another request"),
        _("Path, picture or parameters differ. Use a new key for each new request."),
    ),
    1129: (
        _("HTTPS is required"),
        _("The secret has travelled unencrypted: revoke the key and create a new one."),
    ),
    1130: (
        _("The body came too slowly"),
        _("Send it again over a better connection, or as a smaller file."),
    ),
    1150: (
        _("image.url could not be fetched"),
        _("The host does not exist, does not answer, or broke the connection."),
    ),
    1151: (
        _("image.url leads to an address that is refused"),
        _("Only http and https at public addresses are fetched; redirects are held to that too."),
    ),
    1152: (_("image.url took too long"), _("The message names the limit. Send the file itself.")),
    1153: (
        _("There is no picture behind image.url"),
        _("The host answered with an error or with something other than a picture."),
    ),
    1160: (
        _("The batch is closed"),
        _("Pictures can be added to an open batch only. Send keep_open=true when you make it."),
    ),
    1161: (
        _("Too many pictures for one batch"),
        _("The message names the limit. Send the others as another batch."),
    ),
    1162: (
        _("The ZIP file could not be read"),
        _("It is damaged, encrypted, empty, or unpacks to far more than it is."),
    ),
    1163: (
        _("webhook.url cannot be used"),
        _("It must be an http or https address that anybody can reach."),
    ),
    1164: (
        _("Too many batches at once"),
        _("Wait until one of them has ended, or cancel one. Retry-After says how long to wait."),
    ),
    1200: (
        _("The service is starting or overloaded"),
        _("Nothing was charged. Wait as long as Retry-After says, then send the request again."),
    ),
    1201: (
        _("It took too long"),
        _("Nothing was charged. Send it again; a smaller max_pixels is quicker."),
    ),
    1500: (
        _("Something went wrong on our side"),
        _("Nothing was charged. If it happens again, write to support and name the request id."),
    ),
}


@dataclass(frozen=True, slots=True)
class Error:
    """`parameter`: the one whose value is refused, of codes that stand for a parameter."""

    code: int
    status: int
    title: str
    help: str
    parameter: str = ""


def every_error() -> list[Error]:
    """All that a client may meet, by code, in the reader's language."""
    of_parameters = {code: name for name, code in PARAMETER_CODES.items() if code not in TEXTS}
    errors = [_of_parameter(code, name) for code, name in of_parameters.items()]
    errors += [
        Error(code, status, str(title), str(help_))
        for code, status in statuses().items()
        if code not in of_parameters
        for title, help_ in [TEXTS[code]]
    ]
    return sorted(errors, key=lambda error: error.code)


def statuses() -> dict[int, int]:
    """HTTP status by code, read from the trees of errors."""
    found = {cls.code: cls.status for cls in _below(RemovalError)}
    found |= dict.fromkeys(PARAMETER_CODES.values(), 400)
    for root in (AuthenticationError, CannotSpend):
        found |= {cls.code: cls.status for cls in _below(root)}
    return found


def _of_parameter(code: int, name: str) -> Error:
    title = gettext("%(parameter)s is not allowed") % {"parameter": name}
    return Error(
        code, 400, title, gettext("The message names the value and what is allowed."), name
    )


def _below(cls: type[Any]) -> Iterator[type[Any]]:
    """The classes below `cls` that the project itself defines."""
    for child in cls.__subclasses__():
        if child.__module__.endswith(".errors"):
            yield child
        yield from _below(child)
