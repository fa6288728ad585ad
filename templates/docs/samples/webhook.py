import hashlib
import hmac
import time


def is_genuine(secret: str, header: str, body: bytes) -> bool:
    """header: X-Webhook-Signature. body: its bytes as they came, not yet read as JSON."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    at, given = parts.get("t", ""), parts.get("v1", "")
    expected = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    genuine = hmac.compare_digest(given.encode(), expected.encode())
    return genuine and abs(time.time() - int(at)) < 300
