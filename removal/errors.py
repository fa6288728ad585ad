"""Every way a request can fail: HTTP status, stable code and a sentence for the caller.

The table of the contract is this tree. `code` and `status` never change; sentences may.
Errors of the engine, of accounts and of billing become one of these at the edge (failures.py).
"""

from typing import ClassVar

from removal.engine import errors as engine_errors

PARAMETER_CODES = {
    "test": 1101,
    "max_pixels": 1102,
    "background.color": 1103,
    "result.crop_to_foreground": 1104,
    "result.margin": 1105,
    "result.target_size": 1106,
    "result.vertical_alignment": 1107,
    "output.format": 1108,
    "output.jpeg_quality": 1109,
    "roi": 1112,
}


class RemovalError(Exception):
    """Base of all. `retry_after` is in seconds; `detail` is for the log, never for the caller."""

    status: int = 400
    code: int = 1120
    retry_after: int | None = None

    def __init__(self, message: str, *, code: int | None = None, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail
        if code is not None:
            self.code = code

    @property
    def message(self) -> str:
        return str(self)

    def __reduce__(self) -> tuple[object, ...]:
        """By its finished message: what the constructor was given is not kept."""
        return Exception.__new__, (type(self), *self.args), vars(self)


# --- Who is asking ------------------------------------------------------------------------------
class NotAuthenticated(RemovalError):
    status, code = 401, 1001


class HttpsRequired(RemovalError):
    status, code = 403, 1129

    def __init__(self) -> None:
        super().__init__(
            "This service is reached by https:// only. The API secret you sent has travelled "
            "unencrypted: revoke it and create a new one."
        )


# --- What was sent ------------------------------------------------------------------------------
class WrongImageCount(RemovalError):
    status, code = 400, 1005


class UnreadableImage(RemovalError):
    status, code = 400, 1006


class TooManyBytes(RemovalError):
    status, code = 413, 1012

    @classmethod
    def over(cls, limit: int) -> "TooManyBytes":
        return cls(f"The upload is too large; an image may have up to {limit:,} bytes.")


class TooManyPixels(RemovalError):
    status, code = 413, 1013


class ImageNotAFile(RemovalError):
    status, code = 400, 1016

    others: ClassVar[dict[str, str]] = {
        "image": ", or use image.base64 or image.url",
        "image_file": ", or use image_file_b64 or image_url",
    }

    def __init__(self, name: str = "image") -> None:
        super().__init__(
            f"'{name}' was sent as text. Send it as a file part of a multipart/form-data body "
            f"(in curl: -F {name}=@photo.jpg){self.others.get(name, '')}."
        )


class InvalidParameter(RemovalError):
    status, code = 400, 1101

    @classmethod
    def named(
        cls, error: engine_errors.InvalidOption, name: str | None = None
    ) -> "InvalidParameter":
        """The engine's refusal, under the name that the caller used."""
        message = error.message.replace(error.parameter, name or error.parameter, 1)
        return cls(message, code=PARAMETER_CODES[error.parameter])


class UnreadableBackground(RemovalError):
    status, code = 400, 1113


class NothingFound(RemovalError):
    status, code = 400, 1114

    def __init__(self) -> None:
        super().__init__("No foreground was found in the image. Nothing was charged.")


class DeltaWouldShrink(RemovalError):
    status, code = 400, 1110


class ResultTooLarge(RemovalError):
    status, code = 400, 1111


class MalformedBody(RemovalError):
    status, code = 400, 1120


class BodyTooSlow(RemovalError):
    status, code = 408, 1130

    def __init__(self) -> None:
        super().__init__(
            "The request came too slowly and was given up. Send a smaller picture, or try again "
            "over a better connection."
        )


class NotBase64(RemovalError):
    status, code = 400, 1121


class Base64TooLong(RemovalError):
    status, code = 413, 1122

    def __init__(self, length: int, limit: int, name: str = "image.base64") -> None:
        super().__init__(
            f"{name} has {length:,} characters; at most {limit:,} are allowed. "
            "Send larger pictures as a file."
        )


class UnsupportedContentType(RemovalError):
    status, code = 415, 1123

    def __init__(self, content_type: str) -> None:
        super().__init__(
            f"The content type {content_type[:80]!r} is not supported. Send multipart/form-data "
            "with the photo in the file part 'image', or application/x-www-form-urlencoded or "
            "application/json with image.base64 or image.url."
        )


class CompressedBody(UnsupportedContentType):
    def __init__(self, coding: str) -> None:
        RemovalError.__init__(
            self,
            f"The body is compressed (Content-Encoding: {coding[:40]}), which is not read here. "
            "Send it as it is, without Content-Encoding; pictures are compressed already.",
        )


class NoSuchPath(RemovalError):
    status, code = 404, 1124

    def __init__(self, path: str) -> None:
        super().__init__(
            f"There is nothing at {path[:120]!r}. The endpoints are POST /api/v2/remove-background "
            "and GET /api/v2/account."
        )


class MethodNotAllowed(RemovalError):
    status, code = 405, 1125

    def __init__(self, method: str, allowed: list[str]) -> None:
        super().__init__(f"{method[:20]} is not allowed here. Allowed: {', '.join(allowed)}.")
        self.allowed = allowed


# --- Idempotency-Key ----------------------------------------------------------------------------
class InvalidKey(RemovalError):
    status, code = 400, 1120

    def __init__(self) -> None:
        super().__init__("Idempotency-Key must be 1 to 255 printable ASCII characters.")


class KeyInProgress(RemovalError):
    status, code, retry_after = 409, 1126, 5

    def __init__(self) -> None:
        super().__init__(
            "A request with this Idempotency-Key is under way. Try again in 5 seconds to get its "
            "result."
        )


class ResultNotKept(RemovalError):
    status, code = 409, 1127

    def __init__(self) -> None:
        super().__init__(
            "A request with this Idempotency-Key has succeeded, but its result is no longer kept. "
            "Use a new key to have the work done and charged again."
        )


class KeyReused(RemovalError):
    status, code = 422, 1128

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key came before with another path, image or parameters. Use a new "
            "key for each new request."
        )


# --- image.url ----------------------------------------------------------------------------------
class UrlFailed(RemovalError):
    status, code = 400, 1150


class UrlRefused(RemovalError):
    status, code = 400, 1151


class BackgroundUrlFailed(UrlFailed):
    pass


class BackgroundUrlRefused(UrlRefused):
    pass


class UrlTooSlow(RemovalError):
    status, code = 400, 1152


class UrlNotAnImage(RemovalError):
    status, code = 400, 1153


# --- Batches ------------------------------------------------------------------------------------
class BatchClosed(RemovalError):
    status, code = 409, 1160

    def __init__(self) -> None:
        super().__init__("The batch is closed: no more pictures can be added. Make a new batch.")


class BatchTooLarge(RemovalError):
    status, code = 413, 1161

    def __init__(self, limit: int) -> None:
        super().__init__(f"That is more pictures than fit: a batch may have {limit:,} in all.")


class UnreadableZip(RemovalError):
    status, code = 400, 1162


class InvalidWebhook(RemovalError):
    status, code = 400, 1163


class TooManyBatches(RemovalError):
    status, code, retry_after = 429, 1164, 60

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The account has {limit} batches that have not ended. Wait for one, or cancel it."
        )


class TooManyBatchBytes(TooManyBatches):
    def __init__(self, limit: int) -> None:
        RemovalError.__init__(
            self,
            f"The account's batches keep {limit:,} bytes of pictures and results, as many as they "
            "may. Fetch results and delete their batches, then send again.",
        )


# --- Money --------------------------------------------------------------------------------------
class PaymentRequired(RemovalError):
    status, code = 402, 1011


# --- Room and time ------------------------------------------------------------------------------
class SlowDown(RemovalError):
    status, code, retry_after = 429, 1015, 5

    def __init__(self, message: str = "", retry_after: int = 5, pool: str = "") -> None:
        """pool: that of removal.capacity which is full."""
        super().__init__(
            message
            or "All places are taken. Wait 5 seconds, then 10, then 15, before you try again."
        )
        self.retry_after = retry_after
        self.pool = pool


class StartedTooLate(RemovalError):
    status, code, retry_after = 429, 1017, 5

    def __init__(self) -> None:
        super().__init__("The image waited too long for a free place. Try again in 5 seconds.")


class TookTooLong(RemovalError):
    status, code, retry_after = 503, 1201, 5

    def __init__(self) -> None:
        super().__init__(
            "The image took too long to process. Nothing was charged. Try again in 5 seconds."
        )


class InternalError(RemovalError):
    status, code = 500, 1500

    def __init__(self, request_id: str = "", support: str = "", detail: str = "") -> None:
        super().__init__(
            "Something went wrong on our side. Nothing was charged. "
            f"If it happens again, write to {support or 'the operator'} and name the "
            f"request id {request_id or 'in the X-Request-Id header'}.",
            detail=detail,
        )


class EngineUnavailable(RemovalError):
    status, code, retry_after = 503, 1200, 5
    sentence = "The service is starting or overloaded. Nothing was charged. Try again in 5 seconds."

    def __init__(self, detail: str = "") -> None:
        super().__init__(self.sentence, detail=detail)


class WorkInterrupted(EngineUnavailable):
    """The process that worked on the picture has ended: killed, out of memory or crashed."""

    sentence = (
        "The work on the image was interrupted. Nothing was charged. Try again in 5 seconds; if it "
        "happens again with this image, send a smaller one."
    )


class ClientGone(RemovalError):
    """The client hung up; nobody reads the answer, nothing is charged."""

    status, code = 503, 1201

    def __init__(self, message: str = "") -> None:
        super().__init__(message or "The client closed the connection before the result was ready.")
