"""Every way a request can fail, as what is raised: a code of error_table.py and a sentence.

Errors of the engine, of accounts and of billing become one of these at the edge (failures.py).
"""

from typing import ClassVar

from removal.engine import errors as engine_errors
from removal.error_table import PARAMETER_CODES, TABLE


class RemovalError(Exception):
    """Base of all. `retry_after` is in seconds; `detail` is for the log, never for the caller."""

    code: int = 1120
    status: int = TABLE[code].status
    retry_after: int | None = None
    removebg = ""  # its name in that dialect, where the table's is not it

    def __init_subclass__(cls) -> None:
        cls.status = TABLE[cls.code].status

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
    code = 1001


class HttpsRequired(RemovalError):
    code = 1129

    def __init__(self) -> None:
        super().__init__(
            "This service is reached by https:// only. The API secret you sent has travelled "
            "unencrypted: revoke it and create a new one."
        )


# --- What was sent ------------------------------------------------------------------------------
class WrongImageCount(RemovalError):
    code = 1005


class UnreadableImage(RemovalError):
    code = 1006


class TooManyBytes(RemovalError):
    code = 1012

    @classmethod
    def over(cls, limit: int) -> "TooManyBytes":
        return cls(f"The upload is too large; an image may have up to {limit:,} bytes.")


class TooManyPixels(RemovalError):
    code = 1013


class ImageNotAFile(RemovalError):
    code = 1016

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
    code = 1101

    @classmethod
    def named(
        cls, error: engine_errors.InvalidOption, name: str | None = None
    ) -> "InvalidParameter":
        """The engine's refusal, under the name that the caller used."""
        message = error.message.replace(error.parameter, name or error.parameter, 1)
        return cls(message, code=PARAMETER_CODES[error.parameter])


class UnreadableBackground(RemovalError):
    code = 1113


class NothingFound(RemovalError):
    code = 1114

    def __init__(self) -> None:
        super().__init__("No foreground was found in the image. Nothing was charged.")


class DeltaWouldShrink(RemovalError):
    code = 1110


class ResultTooLarge(RemovalError):
    code = 1111


class MalformedBody(RemovalError):
    code = 1120


class BodyTooSlow(RemovalError):
    code = 1130

    def __init__(self) -> None:
        super().__init__(
            "The request came too slowly and was given up. Send a smaller picture, or try again "
            "over a better connection."
        )


class NotBase64(RemovalError):
    code = 1121


class Base64TooLong(RemovalError):
    code = 1122

    def __init__(self, length: int, limit: int, name: str = "image.base64") -> None:
        super().__init__(
            f"{name} has {length:,} characters; at most {limit:,} are allowed. "
            "Send larger pictures as a file."
        )


class UnsupportedContentType(RemovalError):
    code = 1123

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
    code = 1124

    def __init__(self, path: str) -> None:
        super().__init__(
            f"There is nothing at {path[:120]!r}. The endpoints are POST /api/v2/remove-background "
            "and GET /api/v2/account."
        )


class MethodNotAllowed(RemovalError):
    code = 1125

    def __init__(self, method: str, allowed: list[str]) -> None:
        super().__init__(f"{method[:20]} is not allowed here. Allowed: {', '.join(allowed)}.")
        self.allowed = allowed


# --- Idempotency-Key ----------------------------------------------------------------------------
class InvalidKey(RemovalError):
    code = 1120
    removebg = "invalid_idempotency_key"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key must be 1 to 255 printable ASCII characters.")


class KeyInProgress(RemovalError):
    code, retry_after = 1126, 5

    def __init__(self) -> None:
        super().__init__(
            "A request with this Idempotency-Key is under way. Try again in 5 seconds to get its "
            "result."
        )


class ResultNotKept(RemovalError):
    code = 1127

    def __init__(self) -> None:
        super().__init__(
            "A request with this Idempotency-Key has succeeded, but its result is no longer kept. "
            "Use a new key to have the work done and charged again."
        )


class KeyReused(RemovalError):
    code = 1128

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key came before with another path, image or parameters. Use a new "
            "key for each new request."
        )


# --- image.url ----------------------------------------------------------------------------------
class UrlFailed(RemovalError):
    code = 1150


class UrlRefused(RemovalError):
    code = 1151


class BackgroundUrlFailed(UrlFailed):
    removebg = "failed_bg_download"


class BackgroundUrlRefused(UrlRefused):
    removebg = "invalid_bg_image_url"


class UrlTooSlow(RemovalError):
    code = 1152


class UrlNotAnImage(RemovalError):
    code = 1153


# --- Batches ------------------------------------------------------------------------------------
class BatchClosed(RemovalError):
    code = 1160

    def __init__(self) -> None:
        super().__init__("The batch is closed: no more pictures can be added. Make a new batch.")


class BatchTooLarge(RemovalError):
    code = 1161

    def __init__(self, limit: int) -> None:
        super().__init__(f"That is more pictures than fit: a batch may have {limit:,} in all.")


class UnreadableZip(RemovalError):
    code = 1162


class InvalidWebhook(RemovalError):
    code = 1163


class TooManyBatches(RemovalError):
    code, retry_after = 1164, 60

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
    code = 1011


# --- Room and time ------------------------------------------------------------------------------
class SlowDown(RemovalError):
    code, retry_after = 1015, 5

    def __init__(self, message: str = "", retry_after: int = 5, pool: str = "") -> None:
        """pool: that of removal.capacity which is full."""
        super().__init__(
            message
            or "All slots are taken. Wait 5 seconds, then 10, then 15, before you try again."
        )
        self.retry_after = retry_after
        self.pool = pool


class StartedTooLate(RemovalError):
    code, retry_after = 1017, 5

    def __init__(self) -> None:
        super().__init__("The image waited too long for a free slot. Try again in 5 seconds.")


class TookTooLong(RemovalError):
    code, retry_after = 1201, 5

    def __init__(self) -> None:
        super().__init__(
            "The image took too long to process. Nothing was charged. Try again in 5 seconds."
        )


class InternalError(RemovalError):
    code = 1500

    def __init__(self, request_id: str = "", support: str = "", detail: str = "") -> None:
        super().__init__(
            "Something went wrong on our side. Nothing was charged. "
            f"If it happens again, write to {support or 'the operator'} and name the "
            f"request id {request_id or 'in the X-Request-Id header'}.",
            detail=detail,
        )


class EngineUnavailable(RemovalError):
    code, retry_after = 1200, 5
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

    code = 1201

    def __init__(self, message: str = "") -> None:
        super().__init__(message or "The client closed the connection before the result was ready.")
