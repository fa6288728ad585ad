import base64
import hmac
import time
from collections.abc import Mapping


def is_genuine(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """headers: of the request. body: its bytes as they came, not yet read as JSON."""
    message, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.digest(key, f"{message}.{at}.".encode() + body, "sha256"))
    given = headers.get("webhook-signature", "").encode().split(b" ")
    genuine = any(hmac.compare_digest(one, b"v1," + expected) for one in given)
    return genuine and abs(time.time() - int(at)) < 300
