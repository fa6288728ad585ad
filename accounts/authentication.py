"""HTTP Basic for programs: user = API Id, password = API Secret."""

import base64
import binascii
from typing import ClassVar

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from .errors import UnknownKey
from .models import ApiKey, User
from .services import authenticate_key

NO_CREDENTIALS = (
    "No API credentials were sent. Use HTTP Basic authentication with your API Id as the user "
    "and your API Secret as the password."
)
MALFORMED = (
    "The Authorization header could not be read. It must be 'Basic ' followed by the Base64 of "
    "API-Id:API-Secret."
)


class ApiKeyAuthentication(BaseAuthentication):
    """Sets request.user to the key's owner and request.auth to the ApiKey.

    Views with this class require a key: missing credentials, like wrong ones, raise a subclass of
    accounts.errors.AuthenticationError.
    """

    challenge: ClassVar[str] = 'Basic realm="API Id and API Secret", charset="UTF-8"'

    def authenticate(self, request: Request) -> tuple[User, ApiKey]:
        public_id, secret = read_basic(request.META.get("HTTP_AUTHORIZATION", ""))
        key = authenticate_key(public_id, secret)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return self.challenge


def read_basic(header: str) -> tuple[str, str]:
    """Id and secret from an Authorization header; raises UnknownKey if there are none."""
    if not header.strip():
        raise UnknownKey(NO_CREDENTIALS)
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        raise UnknownKey(MALFORMED)
    return split_pair(_decode(encoded.strip()))


def split_pair(pair: str) -> tuple[str, str]:
    """Split `ID:SECRET`, as shown at key creation; a secret may contain colons, an id may not."""
    public_id, colon, secret = pair.partition(":")
    if not colon:
        raise UnknownKey(MALFORMED)
    return public_id, secret


def _decode(encoded: str) -> str:
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        return raw.decode("utf-8")
    except (binascii.Error, ValueError):
        raise UnknownKey(MALFORMED) from None
