"""People for the tests of accounts."""

import pytest
from django.test import Client

from accounts.models import User


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.com")


@pytest.fixture
def client_factory() -> type[Client]:
    """Further browsers."""
    return Client
