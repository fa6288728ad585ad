"""Translates exceptions of the inner layers into the API's errors."""

import errno

from django.db import InterfaceError, OperationalError
from redis import RedisError

from accounts import errors as accounts_errors
from billing import errors as billing_errors
from removal.engine import errors as engine_errors
from removal.outbound import fetch
from removal.storage import StorageFailed

from .errors import (
    ClientGone,
    DeltaWouldShrink,
    EngineUnavailable,
    InvalidParameter,
    NotAuthenticated,
    PaymentRequired,
    RemovalError,
    ResultTooLarge,
    TookTooLong,
    TooManyBytes,
    TooManyPixels,
    UnreadableBackground,
    UnreadableImage,
    UrlFailed,
    UrlNotAnImage,
    UrlRefused,
    UrlTooSlow,
)

# No space, quota, file size, descriptors; a folder that has become read-only.
NO_ROOM = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.EROFS}
)


def translate(error: Exception) -> RemovalError | None:
    """The API error for an exception of an inner layer; None for unexpected ones."""
    match error:
        case RemovalError():
            return error
        case engine_errors.InvalidOption():
            return InvalidParameter.named(error)
        case accounts_errors.AuthenticationError():
            return NotAuthenticated(error.message, code=error.code)
        case billing_errors.CannotSpend():
            return PaymentRequired(error.message, code=error.code)
        case billing_errors.HoldGone():
            return TookTooLong()
        case engine_errors.ModelUnavailable() | StorageFailed():
            return EngineUnavailable(detail=str(error))
        case _ if _passes(error):
            return EngineUnavailable(detail=repr(error))
    for source, target in _BY_CLASS.items():
        if isinstance(error, source):
            return target(str(error))
    return None


def _passes(error: Exception) -> bool:
    """The database or Redis is down or overloaded, or there is no space for uploads."""
    if isinstance(error, OSError):
        return error.errno in NO_ROOM
    return isinstance(error, RedisError | OperationalError | InterfaceError)


_BY_CLASS: dict[type[Exception], type[RemovalError]] = {
    engine_errors.UnreadableImage: UnreadableImage,
    engine_errors.UnreadableBackground: UnreadableBackground,
    engine_errors.TooManyPixels: TooManyPixels,
    engine_errors.DeltaWouldShrink: DeltaWouldShrink,
    engine_errors.ResultTooLarge: ResultTooLarge,
    fetch.FetchFailed: UrlFailed,
    fetch.AddressRefused: UrlRefused,
    fetch.FetchTooSlow: UrlTooSlow,
    fetch.NotAnImageAnswer: UrlNotAnImage,
    fetch.FetchTooLarge: TooManyBytes,
    fetch.FetchCancelled: ClientGone,
}
