"""The ledger's functions, one by one: what they write, what they refuse."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import OperationalError, transaction
from django.utils import timezone

from accounts.models import User
from billing import ledger
from billing.audit import audit
from billing.entries import ATTEMPTS, MAX_BALANCE, exact
from billing.errors import (
    Dormant,
    HoldGone,
    InvalidAmount,
    NeverHadCredits,
    NotEnough,
    NotRefundable,
)
from billing.models import Account, Hold, LedgerEntry

from .conftest import new_user

ONE = Decimal(1)


@pytest.fixture(autouse=True)
def books_are_right_afterwards(db):
    yield
    assert list(audit()) == []


def sums(user):
    account = Account.objects.get(user=user)
    return account.balance, account.held


def kinds(user):
    return list(
        LedgerEntry.objects.filter(account__user=user).order_by("pk").values_list("kind", flat=True)
    )


def test_a_hold_sets_credits_aside(user):
    hold = ledger.hold(user, Decimal("1.3"), "req-1", 90)
    assert sums(user) == (10, Decimal("1.3"))
    assert (hold.state, hold.request_id, hold.amount) == ("open", "req-1", Decimal("1.300"))


def test_a_hold_lives_as_long_as_it_is_told(user):
    hold = ledger.hold(user, ONE, "", 90)
    assert hold.expires_at - hold.created_at == timedelta(seconds=90)


def test_settling_charges_what_was_held(user):
    hold = ledger.hold(user, Decimal("1.3"), "req-1", 90)
    entry = ledger.settle(hold)
    assert sums(user) == (Decimal("8.7"), 0)
    assert (entry.amount, entry.balance_after) == (Decimal("-1.3"), Decimal("8.7"))
    assert (entry.request_id, entry.spendable_after) == ("req-1", Decimal("8.7"))
    assert kinds(user) == ["grant", "hold", "settle"]


def test_what_remains_after_a_charge_excludes_other_holds(user):
    ledger.hold(user, Decimal(2), "", 90)
    assert ledger.settle(ledger.hold(user, ONE, "", 90)).spendable_after == 7


def test_releasing_gives_back_what_was_held(user):
    ledger.release(ledger.hold(user, ONE, "", 90))
    assert sums(user) == (10, 0)
    assert kinds(user) == ["grant", "hold", "release"]


def test_releasing_twice_changes_nothing_more(user):
    hold = ledger.hold(user, ONE, "", 90)
    ledger.release(hold)
    ledger.release(hold)
    assert kinds(user) == ["grant", "hold", "release"]


def test_a_charge_cannot_be_released(user):
    hold = ledger.hold(user, ONE, "", 90)
    ledger.settle(hold)
    ledger.release(hold)
    assert sums(user) == (9, 0)


def test_a_released_hold_cannot_be_settled(user):
    hold = ledger.hold(user, ONE, "", 90)
    ledger.release(Hold.objects.get())
    with pytest.raises(HoldGone) as gone:
        ledger.settle(hold)
    assert (gone.value.status, gone.value.code) == (503, 1201)
    assert sums(user) == (10, 0)


def test_a_hold_is_settled_once(user):
    hold = ledger.hold(user, ONE, "", 90)
    ledger.settle(Hold.objects.get())
    with pytest.raises(HoldGone):
        ledger.settle(hold)
    assert sums(user) == (9, 0)


def test_held_credits_cannot_be_held_again(user):
    ledger.hold(user, Decimal("9.5"), "", 90)
    with pytest.raises(NotEnough) as refused:
        ledger.hold(user, ONE, "", 90)
    assert (refused.value.status, refused.value.code) == (402, 1011)
    assert "needs 1" in refused.value.message
    assert "balance is 0.500" in refused.value.message


def test_the_last_thousandth_can_be_spent(user):
    ledger.settle(ledger.hold(user, Decimal("9.999"), "", 90))
    ledger.settle(ledger.hold(user, Decimal("0.001"), "", 90))
    assert sums(user) == (0, 0)


def test_thousandths_add_up_exactly(db):
    user = new_user("0.3")
    for _ in range(3):
        ledger.settle(ledger.hold(user, Decimal("0.1"), "", 90))
    assert sums(user) == (0, 0)


def test_an_account_that_never_had_credits_is_1008(db):
    user = new_user()
    with pytest.raises(NeverHadCredits) as refused:
        ledger.hold(user, ONE, "", 90)
    assert (refused.value.status, refused.value.code) == (402, 1008)


def test_a_hold_of_an_abandoned_request_does_not_block_its_owner(user):
    ledger.hold(user, Decimal(10), "abandoned", -1)
    assert ledger.hold(user, Decimal(10), "next", 90).state == "open"
    assert kinds(user) == ["grant", "hold", "release", "hold"]


def test_a_free_picture_needs_no_credits(db):
    user = new_user()
    ledger.settle(ledger.hold(user, Decimal(0), "", 90))
    assert sums(user) == (0, 0)


# --- Delivery and refunds ---


def test_a_delivered_charge_is_not_refunded(user):
    hold = ledger.hold(user, ONE, "", 90)
    ledger.settle(hold)
    ledger.mark_delivered(hold)
    assert ledger.refund_undelivered(timedelta(0), timezone.now() + timedelta(days=1)) == 0
    assert Hold.objects.get().state == "delivered"


def test_marking_a_delivery_is_one_query(user, django_assert_num_queries):
    hold = ledger.hold(user, ONE, "", 90)
    ledger.settle(hold)
    with django_assert_num_queries(1):
        ledger.mark_delivered(hold)


def test_a_charge_whose_response_never_ended_is_refunded_once(user):
    hold = ledger.hold(user, ONE, "req-9", 90)
    ledger.settle(hold)
    later = timezone.now() + timedelta(seconds=901)
    assert [ledger.refund_undelivered(now=later) for _ in range(2)] == [1, 0]
    assert sums(user) == (10, 0)
    assert LedgerEntry.objects.latest("pk").request_id == "req-9"


def test_a_running_response_is_left_alone(user):
    ledger.settle(ledger.hold(user, ONE, "", 90))
    assert ledger.refund_undelivered(now=timezone.now() + timedelta(seconds=890)) == 0


def test_a_response_that_ends_after_its_refund_is_charged_again(user):
    hold = ledger.hold(user, ONE, "", 90)
    ledger.settle(hold)
    assert ledger.refund_undelivered(timedelta(0)) == 1
    for _ in range(2):
        ledger.mark_delivered(hold)
    assert sums(user) == (9, 0)
    assert Hold.objects.get().state == "delivered"


def test_charging_again_never_overdraws(user):
    hold = ledger.hold(user, Decimal(6), "", 90)
    ledger.settle(hold)
    ledger.refund_undelivered(timedelta(0))
    ledger.settle(ledger.hold(user, Decimal(6), "", 90))
    ledger.mark_delivered(hold)
    assert sums(user) == (4, 0)


def test_a_refund_by_staff_is_final_even_while_the_response_runs(user):
    hold = ledger.hold(user, ONE, "", 90)
    ledger.settle(hold)
    ledger.refund(hold, "bad edges")
    ledger.mark_delivered(hold)
    assert sums(user) == (10, 0)


def test_staff_refund_a_delivered_request(user):
    staff = User.objects.create_user("staff@example.com")
    hold = ledger.hold(user, ONE, "req-2", 90)
    ledger.settle(hold)
    ledger.mark_delivered(hold)
    entry = ledger.refund(hold, "bad edges", staff)
    assert (entry.kind, entry.amount, entry.actor) == ("refund", ONE, staff)
    assert (entry.request_id, entry.reason) == ("req-2", "bad edges")


@pytest.mark.parametrize("end", [ledger.release, lambda hold: None])
def test_what_was_not_charged_cannot_be_refunded(user, end):
    hold = ledger.hold(user, ONE, "", 90)
    end(hold)
    with pytest.raises(NotRefundable):
        ledger.refund(hold, "why not")


def test_a_request_is_refunded_once(user):
    hold = ledger.hold(user, ONE, "", 90)
    ledger.settle(hold)
    ledger.refund(hold, "first")
    with pytest.raises(NotRefundable):
        ledger.refund(hold, "second")
    assert sums(user) == (10, 0)


# --- Stale holds ---


def test_stale_holds_are_released_and_running_ones_are_not(user):
    stale, running = (ledger.hold(user, ONE, "", seconds) for seconds in (90, 200))
    assert ledger.release_stale(timezone.now() + timedelta(seconds=100)) == 1
    stale.refresh_from_db()
    running.refresh_from_db()
    assert (stale.state, running.state) == ("released", "open")


def test_an_expired_hold_that_nobody_released_can_still_be_settled(user):
    hold = ledger.hold(user, ONE, "", -1)
    assert ledger.settle(hold).amount == -1


# --- Staff ---


def test_a_grant_is_recorded_with_reason_and_actor(user):
    staff = User.objects.create_user("staff@example.com")
    entry = ledger.grant(user, Decimal("2.5"), "sorry", staff)
    assert (entry.kind, entry.reason, entry.actor) == ("grant", "sorry", staff)
    assert sums(user) == (Decimal("12.5"), 0)


@pytest.mark.parametrize("amount", ["0", "-1", "0.0001", "NaN", "Infinity", "1e30"])
def test_only_positive_thousandths_can_be_granted_or_removed(user, amount):
    for change in (ledger.grant, ledger.remove):
        with pytest.raises(InvalidAmount):
            change(user, Decimal(amount), "")
    assert sums(user) == (10, 0)


def test_a_balance_has_an_upper_bound(user):
    with pytest.raises(InvalidAmount, match="exceed"):
        ledger.grant(user, MAX_BALANCE, "too generous")
    assert sums(user) == (10, 0)


def test_staff_remove_no_more_than_is_spendable(user):
    ledger.hold(user, Decimal(4), "", 90)
    with pytest.raises(NotEnough):
        ledger.remove(user, Decimal("6.001"), "")
    assert ledger.remove(user, Decimal(6), "mistake").amount == -6
    assert sums(user) == (4, 4)


# --- State, dormancy ---


def test_everybody_has_an_account_from_the_start(db):
    assert Account.objects.filter(user=new_user()).exists()


def test_the_state_of_a_new_account(db):
    state = ledger.state(new_user())
    assert (state.credit_pack, state.state, state.use_before, state.credits) == (
        None,
        "active",
        None,
        0,
    )


def test_credits_are_the_balance_minus_open_holds(user):
    ledger.hold(user, Decimal("0.1"), "", 90)
    assert ledger.state(user).credits == Decimal("9.9")


def test_credits_go_dormant_after_their_last_day(user):
    day = timezone.localdate()
    Account.objects.update(use_before=day)
    assert ledger.state(user).state == "active"
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        assert ledger.state(user).state == "dormant"


def test_dormant_credits_are_counted_but_cannot_be_spent(user):
    Account.objects.update(use_before=timezone.localdate() - timedelta(days=1))
    assert ledger.state(user).credits == 10
    for spend in (lambda: ledger.hold(user, ONE, "", 90), lambda: ledger.check_spendable(user)):
        with pytest.raises(Dormant) as refused:
            spend()
        assert (refused.value.status, refused.value.code) == (402, 1010)


def test_a_hold_made_before_dormancy_is_still_settled(user):
    hold = ledger.hold(user, ONE, "", 90)
    Account.objects.update(use_before=timezone.localdate() - timedelta(days=1))
    assert ledger.settle(hold)


def test_a_grant_by_staff_does_not_move_the_use_before_date(user):
    day = timezone.localdate() - timedelta(days=1)
    Account.objects.update(use_before=day)
    ledger.grant(user, ONE, "")
    assert ledger.state(user).use_before == day


def test_the_early_check_passes_who_can_pay_the_smallest_picture(db):
    ledger.check_spendable(new_user("0.05"))


@pytest.mark.parametrize(("amount", "error"), [("0", NeverHadCredits), ("0.049", NotEnough)])
def test_the_early_check_stops_who_cannot(db, amount, error):
    with pytest.raises(error):
        ledger.check_spendable(new_user(amount))


def test_prices_follow_the_settings(settings):
    settings.CREDITS_BASE, settings.CREDITS_PER_MEGAPIXEL = ONE, Decimal(2)
    assert ledger.price_of(500_000) == 2


# --- Closed accounts ---


def test_rows_outlive_their_owner(user):
    hold = ledger.hold(user, ONE, "", 90)
    user.delete()
    ledger.settle(hold)
    account = Account.objects.get()
    assert (account.user, account.balance) == (None, 9)


class Deadlock(Exception):
    """As PostgreSQL's driver reports it."""

    sqlstate = "40P01"


@pytest.mark.django_db(transaction=True)
def test_a_busy_database_is_asked_again_but_not_inside_somebody_elses_transaction():
    tried = []

    @exact
    def deadlocked():
        tried.append(1)
        raise OperationalError from Deadlock()

    with pytest.raises(OperationalError):
        deadlocked()
    assert len(tried) == ATTEMPTS
    with pytest.raises(OperationalError), transaction.atomic():
        deadlocked()
    assert len(tried) == ATTEMPTS + 1
