"""Normalises email addresses, and recognises known mailboxes by a keyed hash."""

import hashlib
import hmac
import logging
import secrets
import unicodedata

from .models import DataKey, KnownMailbox
from .sealing import DATA_KEY, Unreadable, seal, unseal

log = logging.getLogger(__name__)
KEY_NAME = "addresses"
# Google ignores dots in the name and delivers both domains to one mailbox.
WITHOUT_DOTS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}


def mailbox(email: str) -> str:
    """The address without the parts that most providers ignore.

    Case and a tag after a plus sign; at Google also dots. Elsewhere dots are significant.
    """
    text = unicodedata.normalize("NFKC", email).strip().casefold()
    name, _at, domain = text.rpartition("@")
    name = name.split("+", 1)[0] or name
    if domain in WITHOUT_DOTS:
        name, domain = name.replace(".", ""), WITHOUT_DOTS[domain]
    return f"{name}@{_ascii(domain)}"


def note_first(email: str) -> bool:
    """Record this mailbox permanently; True if it was not recorded before."""
    _row, first = KnownMailbox.objects.get_or_create(digest=digest(email))
    return first


def digest(email: str, keys: type[DataKey] = DataKey) -> str:
    """Reveals nothing without SECRET_KEY, which encrypts the hash's own key; changing SECRET_KEY
    does not change the hash."""
    return hmac.new(_key(keys), mailbox(email).encode(), hashlib.sha256).hexdigest()


def _ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


def _key(keys: type[DataKey]) -> bytes:
    new = seal(DATA_KEY, secrets.token_hex(32))
    row, _ = keys.objects.get_or_create(name=KEY_NAME, defaults={"sealed": new})
    try:
        return bytes.fromhex(unseal(DATA_KEY, row.sealed))
    except Unreadable:
        log.error("SECRET_KEY was lost: known addresses are forgotten and their key made anew")
    row.sealed = new
    row.save(update_fields=["sealed"])
    return bytes.fromhex(unseal(DATA_KEY, new))
