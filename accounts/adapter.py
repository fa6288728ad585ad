"""Where this site differs from django-allauth's defaults."""

import base64
import hashlib

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps the seeds of authenticator apps and recovery codes useless to a database thief.

    After a change of SECRET_KEY the old one in SECRET_KEY_FALLBACKS still reads them.
    """

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()


def _cipher() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([_fernet(str(key)) for key in keys])


def _fernet(secret_key: str) -> Fernet:
    digest = hashlib.sha256(b"second factor:" + secret_key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
