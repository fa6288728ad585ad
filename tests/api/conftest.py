"""Callers of the API: somebody with credits, somebody without, and the credentials they send."""

import base64
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import ApiKey, User
from accounts.services import get_or_create_account, issue_api_key
from billing import ledger
from tests import pictures

ENDPOINT = "/api/v2/remove-background"


@dataclass
class Caller:
    """Sends requests as an API client would."""

    client: Client
    user: User
    key: ApiKey
    authorization: str

    def post(self, path: str = ENDPOINT, **fields: Any) -> Any:
        """A multipart request; dots in parameter names are written as double underscores."""
        named = {name.replace("__", "."): value for name, value in fields.items()}
        for name, value in named.items():
            if isinstance(value, bytes):
                named[name] = SimpleUploadedFile("photo", value, content_type="")
        return self.client.post(path, named, HTTP_AUTHORIZATION=self.authorization)

    def send(self, body: Any, content_type: str, path: str = ENDPOINT) -> Any:
        return self.client.post(
            path, body, content_type=content_type, HTTP_AUTHORIZATION=self.authorization
        )

    @property
    def credits(self) -> Decimal:
        return ledger.state(self.user).credits


def new_caller(email: str, credits_: str = "0", **key_options: Any) -> Caller:
    user, _ = get_or_create_account(email)
    key, secret = issue_api_key(user, **key_options)
    if Decimal(credits_):
        ledger.grant(user, Decimal(credits_), "for the test")
    return Caller(Client(raise_request_exception=False), user, key, authorization_of(key, secret))


def authorization_of(key: ApiKey, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{key.public_id}:{secret}".encode()).decode()


@pytest.fixture
def alice(db: None) -> Caller:
    """Has ten credits."""
    return new_caller("alice@example.com", "10")


@pytest.fixture
def bob(db: None) -> Caller:
    """Never had credits."""
    return new_caller("bob@example.com")


@pytest.fixture(scope="session")
def portrait() -> bytes:
    return pictures.portrait()
