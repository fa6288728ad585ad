"""The use-before date follows the purchases that stand; what was taken back moves nothing."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import ledger, sales
from billing.audit import audit
from billing.models import Account, CreditPack, PackPrice, Purchase, Reversal
from billing.stripe_objects import Payment, Takeback

from .conftest import new_user

pytestmark = pytest.mark.django_db
YESTERDAY = timedelta(days=-1)


def day(distance):
    return timezone.localdate() + timedelta(days=distance)


@pytest.fixture
def user(db):
    user = new_user()
    ledger.grant(user, Decimal(50), "long ago")
    return user


def pay(user, days=365, size=10):
    pack = CreditPack.objects.create(
        name=f"Pack {CreditPack.objects.count()}", credits=size, validity_days=days
    )
    purchase = sales.start(
        user, PackPrice.objects.create(pack=pack, currency="eur", amount=Decimal(10))
    )
    sales.record_payment(
        purchase,
        Payment(f"cs_{purchase.pk}", f"pi_{purchase.pk}", True, "eur", 1000, 1000, 0, None),
    )
    purchase.refresh_from_db()
    return purchase


def take_back(purchase, amount=1000, status="succeeded", name="only"):
    takeback = Takeback(f"re_{purchase.pk}_{name}", amount, "eur", status, "", "")
    sales.record_reversal(purchase, Reversal.Kind.REFUND, takeback, timezone.now())


def use_before(user):
    return Account.objects.get(user=user).use_before


def test_dormant_credits_sleep_on_when_the_smallest_pack_is_refunded(user):
    Account.objects.update(use_before=day(-1))
    purchase = pay(user)
    assert ledger.state(user).state == "active"
    take_back(purchase)
    state = ledger.state(user)
    assert (state.state, state.use_before) == ("dormant", day(-1))
    assert (state.credits, state.credit_pack) == (50, None)


def test_so_they_do_whatever_was_bought_before(user):
    pay(user, size=100)
    Account.objects.update(use_before=day(-1))
    take_back(pay(user))
    assert ledger.state(user).state == "dormant"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_purchases_taken_back_in_any_order_leave_the_date_of_before(user, order):
    Account.objects.update(use_before=day(-1))
    purchases = [pay(user, days=1000), pay(user, days=10)]
    for number in order:
        take_back(purchases[number])
    assert use_before(user) == day(-1)


def test_purchases_of_others_move_no_date(user):
    mine = pay(user, 100)
    pay(new_user(), 365)
    take_back(mine)
    assert use_before(user) is None


def test_the_pack_is_the_last_that_stands(user):
    purchases = [pay(user) for _ in range(3)]
    take_back(purchases[-1])
    assert ledger.state(user).credit_pack == purchases[1].pack_name


def test_a_later_purchase_that_stands_keeps_its_own_date(user):
    first, _ = pay(user, days=1000), pay(user, days=10)
    take_back(first)
    assert use_before(user) == day(10)
    assert ledger.state(user).credit_pack == "Pack 1"


def test_a_part_refunded_leaves_the_rest_its_date(user):
    purchase = pay(user)
    take_back(purchase, 999)
    assert use_before(user) == day(365)
    take_back(purchase, 1, name="rest")
    assert use_before(user) is None


def test_what_was_spent_before_it_was_taken_back_counts_as_taken_back(user):
    Account.objects.update(use_before=day(-1))
    purchase = pay(user)
    ledger.settle(ledger.hold(user, Decimal(55), "", 90))
    take_back(purchase)
    account = Account.objects.get(user=user)
    assert (account.use_before, account.shortfall, account.spendable) == (day(-1), 5, 0)


def test_a_refund_that_failed_gives_the_date_back(user):
    purchase = pay(user)
    take_back(purchase)
    assert use_before(user) is None
    take_back(purchase, status="failed")
    assert (use_before(user), ledger.state(user).credit_pack) == (day(365), "Pack 0")


def test_a_refund_that_came_before_its_payment_moves_no_date(user):
    pack = CreditPack.objects.create(name="Pack", credits=10)
    purchase = sales.start(
        user, PackPrice.objects.create(pack=pack, currency="eur", amount=Decimal(10))
    )
    take_back(purchase)
    payment = Payment("cs_1", "pi_1", True, "eur", 1000, 1000, 0, None)
    sales.record_payment(purchase, payment)
    assert (use_before(user), ledger.state(user).credits) == (None, 50)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("pay"), st.integers(1, 40)),
            st.tuples(st.sampled_from(["take", "fail"]), st.integers(0, 5)),
        ),
        max_size=14,
    ),
    st.one_of(st.none(), st.integers(-5, 20)),
)
def test_the_date_is_always_the_latest_of_those_that_stand(steps, base):
    user = new_user()
    if base is not None:
        Account.objects.filter(user=user).update(use_before=day(base))
    purchases, latest = [], {}
    for place, (step, number) in enumerate(steps):
        if step == "pay":
            purchases.append(pay(user, days=number))
        elif number < len(purchases) and step == "take":
            latest[number] = str(place)
            take_back(purchases[number], name=latest[number])
        elif number in latest:
            take_back(purchases[number], status="failed", name=latest[number])
    standing = Purchase.objects.filter(account__user=user)
    dates = [row.use_before for row in standing if row.stands and row.use_before]
    dates += [day(base)] if base is not None else []
    assert use_before(user) == max(dates, default=None)
    assert list(audit()) == []
