"""The table of errors: one row for each code with all its sentences.

errors.py has the exception classes and the messages with details. The page, the documentation, the
API's schema and remove.bg's dialect read this table.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Row:
    """`status` and `code` never change; sentences may.

    title, help: for the documentation: what happened, and what to do about it.
    page: advice for people at the page; without one the page shows the error's own message.
    removebg: its name in remove.bg's dialect, where its status may differ.
    parameter: the parameter that the code belongs to, if any.
    """

    status: int
    code: int
    title: str | Promise
    help: str | Promise
    page: str | Promise = ""
    removebg: str = ""
    removebg_status: int | None = None
    parameter: str = ""


def _of_parameter(code: int, name: str) -> Row:
    title = format_lazy(_("{parameter} is not allowed"), parameter=name)
    return Row(
        400, code, title, _("The message names the value and the allowed ones."), parameter=name
    )


ROWS: tuple[Row, ...] = (
    Row(
        401,
        1001,
        _("The API Id is unknown"),
        _(
            "Or no credentials came with the request. Look the Id up on your API keys page; send "
            "it as the user of HTTP Basic authentication, with the secret as password."
        ),
        removebg="auth_failed",
        removebg_status=403,
    ),
    Row(
        401,
        1002,
        _("The key is revoked"),
        _("Its owner revoked it. Create a new one."),
        removebg="auth_failed",
        removebg_status=403,
    ),
    Row(
        401,
        1003,
        _("The account is suspended"),
        _("Write to support to learn why and to have it reinstated."),
        page=_("This account is suspended. Please write to support."),
        removebg="auth_failed",
        removebg_status=403,
    ),
    Row(
        401,
        1004,
        _("The API Secret is wrong"),
        _("It was shown once, when the key was created. If it is lost, create a new key."),
        removebg="auth_failed",
        removebg_status=403,
    ),
    Row(
        400,
        1005,
        _("No picture, or more than one"),
        _("Send exactly one of image, image.base64 and image.url."),
        page=_("Choose one picture."),
    ),
    Row(
        400,
        1006,
        _("The picture could not be read"),
        _(
            "It is empty, damaged, cut off, camera raw (DNG, CR2, NEF, ARW and the like), or in "
            "none of the formats that are read. The message says which."
        ),
        page=_(
            "This picture could not be read. "
            "Choose a complete JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF or BMP file."
        ),
        removebg="failed_to_read_image",
    ),
    Row(
        402,
        1008,
        _("The account never had credits"),
        _("Buy a credit pack, or send test=true, which is free."),
        page=_("There are no credits on your account yet."),
        removebg="insufficient_credits",
    ),
    Row(
        402,
        1010,
        _("The credits are dormant"),
        _("Their use-before date has passed. Buying any credit pack reactivates them."),
        page=_("Your credits have expired; your next purchase reactivates them."),
        removebg="insufficient_credits",
    ),
    Row(
        402,
        1011,
        _("Not enough credits"),
        _(
            "The message says how many are needed and how many there are. Buy a credit pack, or "
            "lower max_pixels. A key with a monthly limit is refused in the same way."
        ),
        page=_("There are not enough credits on your account for this picture."),
        removebg="insufficient_credits",
    ),
    Row(
        413,
        1012,
        _("Too many bytes"),
        _("The message names the limit. Save the picture as JPEG, or make it smaller."),
        page=_("This file is too large. Choose a smaller one."),
        removebg="file_too_large",
        removebg_status=400,
    ),
    Row(
        413,
        1013,
        _("Too many pixels"),
        _("The message names the size and the limit. Make the picture smaller before you send it."),
        page=_("This picture has more than 32 megapixels. Make it smaller and try again."),
        removebg="resolution_too_high",
        removebg_status=400,
    ),
    Row(
        429,
        1015,
        _("Slow down"),
        _(
            "All slots are taken, or your key has reached its limit of concurrent requests, "
            "or your account has used up this hour's free tests, or as many requests that found "
            "nothing and cost nothing. "
            "Wait as long as Retry-After says, then send the request again."
        ),
        page=_("Too many people are here at the moment. Try again in a few seconds."),
        removebg="rate_limit_exceeded",
    ),
    Row(
        400,
        1016,
        _("image came as text"),
        _("Send it as a file part of a multipart body, or use image.base64 or image.url."),
        removebg="invalid_file_type",
    ),
    Row(
        429,
        1017,
        _("The request waited too long for a free slot"),
        _("Wait as long as Retry-After says, then send the request again."),
        page=_("Too many people are here at the moment. Try again in a few seconds."),
        removebg="rate_limit_exceeded",
    ),
    _of_parameter(1101, "test"),
    _of_parameter(1102, "max_pixels"),
    _of_parameter(1103, "background.color"),
    _of_parameter(1104, "result.crop_to_foreground"),
    _of_parameter(1105, "result.margin"),
    _of_parameter(1106, "result.target_size"),
    _of_parameter(1107, "result.vertical_alignment"),
    _of_parameter(1108, "output.format"),
    _of_parameter(1109, "output.jpeg_quality"),
    Row(
        400,
        1110,
        _("A Delta PNG would be shrunk"),
        _(
            "It only makes sense at the picture's own size. Raise max_pixels, make the picture "
            "smaller before you send it, or choose another format."
        ),
    ),
    Row(
        400,
        1111,
        _("The result would be too large or too thin"),
        _(
            "The message names the limit: of the whole canvas, or of a side, which may have 65,500 "
            "pixels in a JPEG and 16,383 in a WebP and be 10,000 times as long as the other, "
            "unless the picture is thinner itself. Change result.target_size or result.margin."
        ),
        page=_("The result would be too large or too thin. Choose another size or margin."),
        removebg="invalid_dimensions",
    ),
    Row(
        400,
        1112,
        _("roi is not allowed"),
        _("At remove.bg's endpoint: the region is malformed, empty, or outside the picture."),
        parameter="roi",
    ),
    Row(
        400,
        1113,
        _("The background picture could not be read"),
        _("At remove.bg's endpoint: see 1006; the same applies to backgrounds."),
        removebg="failed_bg_download",
    ),
    Row(
        400,
        1114,
        _("No subject was found"),
        _(
            "Only at remove.bg's endpoint, and free. Version 2 answers with a fully transparent "
            "picture, also free."
        ),
        removebg="unknown_foreground",
    ),
    _of_parameter(1115, "hints"),
    _of_parameter(1117, "recipe"),
    _of_parameter(1118, "result.shadow"),
    _of_parameter(1119, "result.shadow_opacity"),
    Row(
        400,
        1120,
        _("The body or the Idempotency-Key is malformed"),
        _("The message says what could not be read. JSON bodies are flat objects."),
        removebg="malformed_body",
    ),
    Row(
        400,
        1121,
        _("image.base64 is not Base64"),
        _("It contains characters that are not Base64, or it is cut off."),
        removebg="failed_to_read_image",
    ),
    Row(
        413,
        1122,
        _("image.base64 is too long"),
        _("Larger pictures are sent as a file."),
        removebg="file_too_large",
        removebg_status=400,
    ),
    Row(
        415,
        1123,
        _("The content type is not supported"),
        _(
            "Send multipart/form-data, or without a file application/x-www-form-urlencoded or "
            "application/json. A bare picture as the body is not read, nor is a compressed body "
            "(Content-Encoding)."
        ),
        removebg="invalid_file_type",
        removebg_status=400,
    ),
    Row(
        404,
        1124,
        _("There is no such path"),
        _("The message names the endpoints."),
        removebg="not_found",
    ),
    Row(
        405,
        1125,
        _("The method is not allowed"),
        _("The Allow header lists the allowed ones."),
        removebg="method_not_allowed",
    ),
    Row(
        409,
        1126,
        _("A request with this Idempotency-Key is running"),
        _("Wait as long as Retry-After says, then send it again to get that request's result."),
        page=_("This picture is already being processed. Try again in a few seconds."),
        removebg="idempotency_key_in_use",
    ),
    Row(
        409,
        1127,
        _("The result for this Idempotency-Key is no longer kept"),
        _("It was charged once. Use a new key to repeat the work."),
        removebg="idempotency_result_gone",
    ),
    Row(
        422,
        1128,
        _("The Idempotency-Key was used for another request"),
        _("Path, picture or parameters differ. Use a new key for each new request."),
        removebg="idempotency_key_reused",
    ),
    Row(
        403,
        1129,
        _("HTTPS is required"),
        _("The secret was sent unencrypted: revoke the key and create a new one."),
        removebg="https_required",
    ),
    Row(
        408,
        1130,
        _("The body arrived too slowly"),
        _("Send it again over a better connection, or as a smaller file."),
        removebg="body_too_slow",
    ),
    _of_parameter(1131, "model"),
    Row(
        400,
        1150,
        _("image.url could not be fetched"),
        _("The host does not exist, does not answer, or broke the connection."),
        page=_("The picture could not be fetched from this link."),
        removebg="failed_image_download",
    ),
    Row(
        400,
        1151,
        _("image.url leads to a forbidden address"),
        _("Only http and https URLs at public addresses are fetched, also after redirects."),
        page=_("This link leads to an address that is not public."),
        removebg="invalid_image_url",
    ),
    Row(
        400,
        1152,
        _("image.url took too long"),
        _("The message names the limit. Send the file itself."),
        page=_("The picture took too long to fetch from this link."),
        removebg="failed_image_download",
    ),
    Row(
        400,
        1153,
        _("There is no picture at image.url"),
        _("The host answered with an error or with something other than a picture."),
        page=_("There is no picture behind this link."),
        removebg="failed_image_download",
    ),
    Row(
        409,
        1160,
        _("The batch is closed"),
        _("Pictures can be added to an open batch only. Send keep_open=true when you make it."),
    ),
    Row(
        413,
        1161,
        _("Too many pictures for one batch"),
        _("The message names the limit. Send the others as another batch."),
    ),
    Row(
        400,
        1162,
        _("The ZIP file could not be read"),
        _("It is damaged, encrypted, empty, or expands far too much."),
    ),
    Row(
        400,
        1163,
        _("webhook.url cannot be used"),
        _("It must be a public http or https URL."),
    ),
    Row(
        429,
        1164,
        _("Too many batches at once"),
        _("Wait until one of them has ended, or cancel one. Retry-After says how long to wait."),
    ),
    Row(
        503,
        1200,
        _("The service is starting or overloaded"),
        _("Nothing was charged. Wait as long as Retry-After says, then send the request again."),
        page=_("The service is starting or very busy. Try again in a few seconds."),
        removebg="service_unavailable",
    ),
    Row(
        503,
        1201,
        _("It took too long"),
        _("Nothing was charged. Send it again; a smaller max_pixels is quicker."),
        page=_("This picture took too long. Try again, perhaps with a smaller one."),
        removebg="timeout",
    ),
    Row(
        500,
        1500,
        _("Something went wrong on our side"),
        _("Nothing was charged. If it happens again, write to support and name the request id."),
        page=_("Something went wrong on our side. Please try again."),
        removebg="internal_error",
    ),
)
TABLE = {row.code: row for row in ROWS}
PARAMETER_CODES = {row.parameter: row.code for row in ROWS if row.parameter}
