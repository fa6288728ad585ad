"""Accounts with credits, on the test's database or on each database that the product supports."""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from billing import ledger
from billing.models import CreditPack, PackPrice

from . import databases
from .shop import CREDITS, buy

NUMBER = itertools.count()


def new_user(amount: str = "0") -> User:
    user = User.objects.create_user(f"user{next(NUMBER)}@example.com")
    if Decimal(amount):
        ledger.grant(user, Decimal(amount), "for the test")
    return user


@pytest.fixture
def user(db: None) -> User:
    """Somebody with ten credits."""
    return new_user("10")


@pytest.fixture
def pack(db: None) -> CreditPack:
    pack = CreditPack.objects.create(name="Hundred", credits=CREDITS, validity_days=365)
    PackPrice.objects.create(pack=pack, currency="eur", amount=Decimal("10.00"))
    PackPrice.objects.create(pack=pack, currency="jpy", amount=Decimal("1500"))
    return pack


@pytest.fixture
def buyer(db: None) -> User:
    return new_user()


@pytest.fixture
def shop(client: Client, buyer: User, pack: CreditPack, stripe: Any) -> Client:
    """A logged-in client that has just been sent to the payment page."""
    client.force_login(buyer)
    buy(client, "eur")
    return client


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def any_database(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: Any,
    django_db_setup: None,
) -> Iterator[str]:
    """A migrated database of its own as "default", for tests with threads and real commits."""
    if request.param == "sqlite":
        database = databases.sqlite(tmp_path_factory.mktemp("ledger"))
    else:
        database = databases.postgresql(request.getfixturevalue("postgres_url"))
    with django_db_blocker.unblock(), databases.as_default(database):
        yield request.param
