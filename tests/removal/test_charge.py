"""What a request is charged: settled or given back, and told from the entry that charged it."""

from decimal import Decimal

import pytest
from django.db import transaction

from billing import ledger
from billing.audit import audit
from billing.models import Account, Hold
from tests import pictures
from tests.api.conftest import new_caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return new_caller("alice@example.com", "10")


@pytest.fixture(autouse=True)
def books_are_right_afterwards(db):
    yield
    assert list(audit()) == []


def charging(alice):
    return ledger.charge(alice.user, Decimal(1), "request", 90)


def left(alice):
    account = Account.objects.get(user=alice.user)
    return account.balance, account.held


def test_nothing_is_asked_of_the_database_once_the_charge_stands(alice, monkeypatch):
    """Were the balance read afterwards and the database gone, the caller would hear of a fault
    that cost nothing, and have paid."""

    def gone(user):
        raise ConnectionError("the database is away")

    monkeypatch.setattr(ledger, "state", gone)
    answer = alice.post(image=pictures.portrait())
    assert answer.status_code == 200
    charged = Decimal(answer.headers["X-Credits-Charged"])
    assert Decimal(answer.headers["X-Credits-Remaining"]) == 10 - charged
    assert left(alice) == (10 - charged, 0)


def test_what_was_settled_stays(alice):
    with charging(alice) as hold:
        ledger.settle(hold)
    assert left(alice) == (9, 0)


def test_what_was_not_settled_is_given_back(alice):
    with charging(alice):
        assert left(alice) == (10, 1)
    assert left(alice) == (10, 0)


def test_an_error_gives_it_back(alice):
    with pytest.raises(KeyboardInterrupt), charging(alice):
        raise KeyboardInterrupt
    assert left(alice) == (10, 0)


def test_so_does_one_that_undoes_the_settlement(alice):
    def settle_and_fail(hold):
        with transaction.atomic():
            ledger.settle(hold)
            raise OSError("the result cannot be kept")

    with pytest.raises(OSError, match="kept"), charging(alice) as hold:
        settle_and_fail(hold)
    assert (left(alice), Hold.objects.get().state) == ((10, 0), "released")


def test_an_error_after_the_settlement_refunds_it_at_once(alice):
    def settle_and_fail(hold):
        ledger.settle(hold)
        raise OSError("later")

    with pytest.raises(OSError, match="later"), charging(alice) as hold:
        settle_and_fail(hold)
    assert (left(alice), Hold.objects.get().state) == ((10, 0), "refunded")
