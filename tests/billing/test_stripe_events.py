"""Events that fail, or are odd: each is handled alone, noted, told and tried again."""

import hashlib
import hmac
import logging
import random
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from accounts.models import User
from billing import sales, webhooks
from billing.audit import audit
from billing.models import Account, Purchase, Reversal, StripeEvent
from billing.stripe_objects import UnexpectedShape, event_of
from tests.fake_stripe import WEBHOOK_SECRET
from tests.stripe_openapi import check_answer, fields_that_may_be_absent, nullable_fields

from .conftest import new_user
from .shop import CREDITS, PRICE, balance, buy, deliver, paid_purchase, post


@pytest.fixture(autouse=True)
def books_are_right_afterwards(db):
    yield
    assert list(audit()) == []


def sign(body: bytes) -> str:
    moment = int(time.time())
    mac = hmac.new(WEBHOOK_SECRET.encode(), b"%d.%s" % (moment, body), hashlib.sha256).hexdigest()
    return f"t={moment},v1={mac}"


def failures_counted(kind: str) -> float:
    return REGISTRY.get_sample_value("billing_stripe_events_failed_total", {"type": kind}) or 0


def reconcile() -> int:
    return webhooks.reconcile(timezone.now() - timedelta(days=3))


# --- What Stripe calls nullable ---


def test_a_refund_without_a_status_takes_its_credits(shop, stripe, buyer):
    paid_purchase(shop, stripe)
    assert deliver(shop, stripe.refund(stripe.session, 250, None)).status_code == 200
    assert (balance(buyer), Reversal.objects.get().status) == (75, "")


def test_a_refund_that_names_its_charge_alone_takes_its_credits(shop, stripe, buyer):
    paid_purchase(shop, stripe)
    refund = stripe.refund(stripe.session, 250)
    refund["data"]["object"]["payment_intent"] = None
    assert deliver(shop, refund).status_code == 200
    assert balance(buyer) == 75


def test_a_refund_that_names_nothing_is_none_of_ours(shop, stripe, buyer):
    paid_purchase(shop, stripe)
    refund = stripe.refund(stripe.session, 250)
    refund["data"]["object"] |= {"payment_intent": None, "charge": None}
    assert deliver(shop, refund).status_code == 200
    assert balance(buyer) == CREDITS


def test_ids_may_come_as_whole_objects(shop, stripe, buyer):
    payment = stripe.pay(stripe.session)
    refund = stripe.refund(stripe.session, 250)
    refund["data"]["object"]["payment_intent"] = stripe.intents[stripe.session["payment_intent"]]
    deliver(shop, payment)
    deliver(shop, refund)
    assert balance(buyer) == 75


HAPPENINGS = {
    "checkout.session": lambda stripe: stripe.pay(stripe.session),
    "refund": lambda stripe: stripe.refund(stripe.session, 250),
    "dispute": lambda stripe: stripe.dispute(stripe.session, 250),
}


@pytest.mark.parametrize("kind", HAPPENINGS)
@settings(max_examples=50, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_field_that_may_be_null_or_missing_makes_an_event_fail(kind, data, shop, stripe):
    with transaction.atomic():
        if kind != "checkout.session":
            paid_purchase(shop, stripe)
        event = HAPPENINGS[kind](stripe)
        subject = event["data"]["object"]
        subject |= dict.fromkeys(data.draw(some_of(nullable_fields(kind))))
        for field in data.draw(some_of(fields_that_may_be_absent(kind))):
            subject.pop(field, None)
        check_answer(kind, subject)
        webhooks.receive(event_of(event))
        assert not webhooks.waiting().exists()
        assert list(audit()) == []
        transaction.set_rollback(True)


def some_of(fields):
    return st.sets(st.sampled_from(sorted(fields)))


# --- Each event alone ---


@pytest.fixture
def broken(monkeypatch):
    """Refunds can't be applied, by a fault of ours."""

    def fail(*given):
        raise ZeroDivisionError("a fault of ours")

    with monkeypatch.context() as patch:
        patch.setattr(sales, "record_reversal", fail)
        yield patch


def other_buyer_pays(client, stripe) -> User:
    other = new_user()
    client.force_login(other)
    buy(client, "eur")
    stripe.pay(stripe.session)
    return other


def test_an_event_that_fails_is_noted_counted_and_logged(shop, stripe, broken, caplog):
    paid_purchase(shop, stripe)
    before = failures_counted("refund.created")
    assert deliver(shop, stripe.refund(stripe.session, 250)).status_code == 500
    event = StripeEvent.objects.get(type="refund.created")
    assert (event.failures, event.error) == (1, "ZeroDivisionError: a fault of ours")
    assert failures_counted("refund.created") == before + 1
    line = next(line for line in caplog.records if line.levelno == logging.ERROR)
    assert event.event_id in line.getMessage()
    assert line.exc_info


def test_an_event_that_fails_stops_no_other(client, shop, stripe, broken):
    """The first fails for ever; whoever paid after it has their credits all the same."""
    paid_purchase(shop, stripe)
    stripe.refund(stripe.session, 250)
    other = other_buyer_pays(client, stripe)
    assert reconcile() == 1
    assert balance(other) == CREDITS


def test_an_event_that_cannot_be_read_stops_no_other(client, shop, stripe, buyer, caplog):
    event = stripe.pay(stripe.session)
    for place in (0, len(stripe.events)):
        stripe.events.insert(place, event | {"id": "evt_odd", "data": {"object": []}})
    reconcile()
    assert balance(buyer) == CREDITS
    assert "could not be read" in caplog.text


def test_what_failed_is_tried_again_even_when_stripe_has_forgotten_it(shop, stripe, buyer, broken):
    paid_purchase(shop, stripe)
    deliver(shop, stripe.refund(stripe.session, 250))
    stripe.events.clear()
    broken.undo()
    assert reconcile() == 1
    assert balance(buyer) == 75
    assert StripeEvent.objects.get(type="refund.created").error == ""


def test_one_round_tries_each_event_once(shop, stripe, broken):
    paid_purchase(shop, stripe)
    stripe.refund(stripe.session, 250)
    reconcile()
    assert StripeEvent.objects.get(type="refund.created").failures == 1


def test_reconciling_by_hand_says_what_is_left(shop, stripe, broken):
    paid_purchase(shop, stripe)
    stripe.refund(stripe.session, 250)
    with pytest.raises(CommandError, match="1 events could not be applied"):
        call_command("reconcile_stripe")


def test_monitoring_sees_how_many_wait(client, shop, stripe, broken, settings):
    settings.METRICS_TOKEN = "of the metrics"
    paid_purchase(shop, stripe)
    deliver(shop, stripe.refund(stripe.session, 250))
    answer = client.get("/metrics", headers={"Authorization": "Bearer of the metrics"})
    assert "billing_stripe_events_waiting 1.0" in answer.content.decode()


def test_the_admin_shows_what_failed_and_tries_it_again(client, shop, stripe, buyer, broken):
    paid_purchase(shop, stripe)
    deliver(shop, stripe.refund(stripe.session, 250))
    client.force_login(User.objects.create_superuser("boss@example.com"))
    address = reverse("admin:billing_stripeevent_changelist")
    page = client.get(address, {"state": "failed"}).content.decode()
    assert "a fault of ours" in page
    event = StripeEvent.objects.get(type="refund.created")
    again = {"action": "try_again", "_selected_action": [event.pk]}
    assert "a fault of ours" in client.post(address, again, follow=True).content.decode()
    broken.undo()
    client.post(address, again)
    assert balance(buyer) == 75


def test_what_staff_dealt_with_by_hand_is_not_tried_again(client, shop, stripe, buyer, broken):
    paid_purchase(shop, stripe)
    deliver(shop, stripe.refund(stripe.session, 250))
    client.force_login(User.objects.create_superuser("boss@example.com"))
    event = StripeEvent.objects.get(type="refund.created")
    client.post(
        reverse("admin:billing_stripeevent_changelist"),
        {"action": "set_aside", "_selected_action": [event.pk]},
    )
    broken.undo()
    reconcile()
    assert balance(buyer) == CREDITS
    assert StripeEvent.objects.get(pk=event.pk).error


# --- Rightly signed, and yet no event that we know ---


THIN = (
    b'{"id": "evt_1", "object": "v2.core.event", "type": "v1.x", "created": "2026-01-01T00:00:00Z"}'
)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{}", b'{"id": 1}', b"{", THIN])
def test_a_signed_delivery_of_another_shape_is_logged_and_raised(shop, stripe, body, caplog):
    before = failures_counted("unreadable")
    with pytest.raises(UnexpectedShape):
        post(shop, body, sign(body))
    assert "could not be read" in caplog.text
    assert failures_counted("unreadable") == before + 1


def test_its_answer_is_a_fault_of_ours_and_no_bad_signature(shop, stripe):
    shop.raise_request_exception = False
    assert post(shop, b"{}", sign(b"{}")).status_code == 500


def test_a_body_that_is_no_text_was_not_signed_by_stripe(shop, stripe):
    assert post(shop, b"\xff", sign(b"\xff")).status_code == 400


@pytest.mark.parametrize(
    "event",
    [
        {"created": 10**30},
        {"created": True},
        {"id": "x" * 256},
        {"id": "evt_\0"},
        {"type": None},
        {"data": {"object": []}},
        {"data": None},
    ],
)
def test_each_field_of_an_event_is_checked(event):
    usual = {"id": "evt_1", "type": "refund.created", "created": 1, "data": {"object": {}}}
    assert event_of(usual).object == {}
    with pytest.raises(UnexpectedShape):
        event_of(usual | event)


# --- Out of order ---


def test_a_dispute_in_another_currency_takes_the_whole(shop, stripe, buyer, caplog):
    """Its share could only be guessed; whoever wins it gets all of it back."""
    paid_purchase(shop, stripe)
    dispute = stripe.dispute(stripe.session, 7)
    dispute["data"]["object"]["currency"] = "jpy"
    deliver(shop, dispute)
    assert balance(buyer) == 0
    assert "not in the currency" in caplog.text
    deliver(shop, stripe.close_dispute(dispute, "won"))
    assert balance(buyer) == CREDITS


def test_an_inquiry_that_becomes_a_dispute_takes_the_credits(shop, stripe, buyer):
    paid_purchase(shop, stripe)
    inquiry = stripe.dispute(stripe.session, PRICE, "warning_needs_response")
    deliver(shop, inquiry)
    deliver(shop, stripe.close_dispute(inquiry, "warning_under_review"))
    deliver(shop, stripe.close_dispute(inquiry, "warning_closed"))
    assert balance(buyer) == CREDITS
    deliver(shop, stripe.close_dispute(inquiry, "needs_response"))
    assert balance(buyer) == 0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_verdicts_the_later_one_counts(shop, stripe, buyer, order):
    """An appeal: lost first, then won."""
    paid_purchase(shop, stripe)
    dispute = stripe.dispute(stripe.session, PRICE)
    verdicts = [stripe.close_dispute(dispute, "lost"), stripe.close_dispute(dispute, "won")]
    verdicts[1]["created"] += 60
    for number in order:
        deliver(shop, verdicts[number])
    assert balance(buyer) == CREDITS
    assert Account.objects.get(user=buyer).shortfall == 0


def test_a_status_that_is_new_at_stripe_keeps_the_credits_back_and_is_logged(
    shop, stripe, buyer, caplog
):
    paid_purchase(shop, stripe)
    deliver(shop, stripe.refund(stripe.session, PRICE, "on_holiday"))
    assert balance(buyer) == 0
    assert "on_holiday" in caplog.text


def test_shuffled_and_repeated_events_end_in_the_same_sums(shop, stripe, buyer):
    events = [stripe.pay(stripe.session), stripe.refund(stripe.session, 250)]
    dispute = stripe.dispute(stripe.session, 500)
    events += [
        dispute,
        stripe.close_dispute(dispute, "under_review"),
        stripe.close_dispute(dispute, "won"),
    ]
    failed = stripe.refund(stripe.session, 100)
    events += [failed, stripe.fail_refund(failed)]
    dice = random.Random(7)
    order = events * 2
    dice.shuffle(order)
    for event in order:
        assert deliver(shop, event).status_code == 200
    assert balance(buyer) == Decimal(75)
    assert Purchase.objects.get().credits_reversed == 25
