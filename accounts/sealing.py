"""Encrypts stored secrets with SECRET_KEY: the database alone reveals nothing.

After a change of SECRET_KEY, the old key in SECRET_KEY_FALLBACKS still decrypts them, until
`manage.py reencrypt_secrets` has encrypted everything again.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

Unreadable = InvalidToken  # encrypted with an unknown key
SECOND_FACTOR, WEBHOOK, DATA_KEY = "second factor", "webhook secret", "data key"


def seal(purpose: str, text: str) -> str:
    return _cipher(purpose).encrypt(text.encode()).decode()


def unseal(purpose: str, sealed: str) -> str:
    """Raises Unreadable."""
    return _cipher(purpose).decrypt(sealed.encode()).decode()


def reseal(purpose: str, sealed: str) -> str:
    return seal(purpose, unseal(purpose, sealed))


def _cipher(purpose: str) -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([_fernet(purpose, str(key)) for key in keys])


def _fernet(purpose: str, secret_key: str) -> Fernet:
    digest = hashlib.sha256(f"{purpose}:{secret_key}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
