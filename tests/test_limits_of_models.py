"""Whatever a stranger can create has an owner, a limit and an end: a rule for every table."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiKey, User
from billing import ledger
from billing.models import Purchase
from pixian_site import maintenance
from removal import idempotency, limits, usage
from removal.batches import runner
from removal.models import (
    Batch,
    BatchPicture,
    DailyUsage,
    KeptPicture,
    KeyedRequest,
    LeaseRow,
    Removal,
    WebhookDelivery,
)
from removal.page import kept
from tests import pictures
from tests.api.conftest import new_caller

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(days=400)


@dataclass(frozen=True)
class Rule:
    owner: str
    limit: str
    end: str
    make_old: Callable[[], Any] | None = None  # a row whose time is over: the periodic jobs take it


def stranger(email: str = "stranger@example.com") -> User:
    return new_caller(email).user


def old_account() -> object:
    user = User.objects.create(email=f"{uuid4().hex}@example.com", date_joined=LONG_AGO)
    EmailAddress.objects.create(user=user, email=user.email, verified=False, primary=True)
    return user


def old_key() -> object:
    key = new_caller("revoked@example.com").key
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=LONG_AGO)
    return key


def old_purchase() -> object:
    return Purchase.objects.create(
        account=ledger.account_for(stranger()), pack_name="small", credits=Decimal(10),
        validity_days=365, currency="eur", amount=900, created_at=LONG_AGO,
    )  # fmt: skip


def old_removal() -> object:
    return Removal.objects.create(
        request_id=uuid4().hex, via="api", user=stranger(), status=200, created_at=LONG_AGO
    )


def old_keyed() -> object:
    return KeyedRequest.objects.create(
        user=stranger(), key="k", fingerprint="f", token=uuid4().hex, request_id="r",
        state=KeyedRequest.State.EXPIRED, expires_at=LONG_AGO,
    )  # fmt: skip


def old_kept() -> object:
    return KeptPicture.objects.create(
        picture_id=uuid4().hex, token=uuid4().hex, name="n", request_id="r", expires_at=LONG_AGO
    )


def old_batch() -> Batch:
    return Batch.objects.create(batch_id=uuid4().hex, user=stranger(), expires_at=LONG_AGO)


def old_picture() -> object:
    return BatchPicture.objects.create(batch=old_batch(), number=1, name="n", token=uuid4().hex)


def old_delivery() -> object:
    return WebhookDelivery.objects.create(batch=old_batch(), delivery_id=uuid4().hex, body="{}")


def old_lease() -> object:
    return LeaseRow.objects.create(lease="l", pool="p", expires_at=LONG_AGO)


def old_session() -> object:
    return Session.objects.create(session_key="s" * 32, expire_date=LONG_AGO)


def old_user_session() -> object:
    return UserSession.objects.create(
        user=stranger(), session_key="gone", ip="192.0.2.1", user_agent="old"
    )


STAFF = Rule("the operator", "staff alone write it", "staff delete it")
CODE = Rule("the operator", "one row for each thing in the code", "migrations")
BOOKS = Rule(
    "the account",
    "written only with credits that were bought or given, one set for each picture worked on",
    "kept for good: the books",
)
RULES = {
    "admin.LogEntry": STAFF,
    "auth.Permission": CODE,
    "auth.Group": STAFF,
    "contenttypes.ContentType": CODE,
    "sessions.Session": Rule(
        "whoever signed in", "allauth's limits for signing in", "its expiry", old_session
    ),
    "account.EmailAddress": Rule(
        "the account", "allauth: the confirmed one and one to change to", "the account's"
    ),
    "account.EmailConfirmation": Rule(
        "the address", "none is made: confirmations are signed, not stored", "at once"
    ),
    "mfa.Authenticator": Rule(
        "the account", "one app and one set of recovery codes", "the account's"
    ),
    "socialaccount.SocialAccount": Rule(
        "the account", "ten to connect, and one to sign up with", "the account's"
    ),
    "billing.AuditRun": Rule("the operator", "whoever runs the command", "the latest hundred"),
    "socialaccount.SocialApp": STAFF,
    "socialaccount.SocialToken": Rule("the account", "none is stored", "at once"),
    "usersessions.UserSession": Rule(
        "the account", "as sessions", "its session's", old_user_session
    ),
    "accounts.User": Rule(
        "whoever has the address",
        "allauth's limits for signing up; one for each address",
        "its owner closes it; UNCONFIRMED_KEEP_DAYS where it was never confirmed",
        old_account,
    ),
    "accounts.ApiKey": Rule(
        "the account",
        "50 that live and 30 new ones an hour",
        "REVOKED_KEYS_KEEP_DAYS after it was revoked",
        old_key,
    ),
    "accounts.WebhookSecret": Rule("the key", "one, and those it replaces", "the key's"),
    "accounts.DataKey": CODE,
    "accounts.KnownMailbox": Rule(
        "the mailbox, as a keyed hash",
        "one for each that was confirmed and given signup credits",
        "kept for good: else the credits are given again",
    ),
    "billing.Account": Rule("the account", "one for each", "the account's, while it is empty"),
    "billing.Hold": BOOKS,
    "billing.LedgerEntry": BOOKS,
    "billing.CreditPack": STAFF,
    "billing.PackPrice": STAFF,
    "billing.Purchase": Rule(
        "the account",
        "/billing/buy is rate limited",
        "30 days where it was never paid, else the books'",
        old_purchase,
    ),
    "billing.Reversal": Rule("the purchase", "Stripe's signed events alone", "the books'"),
    "billing.StripeEvent": Rule("the purchase", "Stripe's signed events alone", "the books'"),
    "removal.Removal": Rule(
        "the account, or the visitor's hour",
        "one for each request that was let in",
        "REMOVAL_REQUESTS_KEEP_DAYS, then sums",
        old_removal,
    ),
    "removal.DailyUsage": Rule(
        "the account", "one for each day and key with requests", "the account's"
    ),
    "removal.KeyedRequest": Rule(
        "the account",
        "one for each keyed request; free results by REMOVAL_IDEMPOTENCY_TEST_BYTES",
        "REMOVAL_IDEMPOTENCY_KEEP and a week",
        old_keyed,
    ),
    "removal.LeaseRow": Rule(
        "the account or address", "REMOVAL_ACCOUNT_CONCURRENCY", "REMOVAL_LEASE_SECONDS", old_lease
    ),
    "removal.KeptPicture": Rule(
        "the account or visitor",
        "REMOVAL_PAGE_KEEP_BYTES, shared fairly",
        "REMOVAL_PAGE_KEEP_SECONDS",
        old_kept,
    ),
    "removal.OwnRecipe": Rule("the account", "20 of up to 4 KiB", "the account's"),
    "removal.Batch": Rule(
        "the account", "REMOVAL_BATCH_BYTES_PER_ACCOUNT", "REMOVAL_BATCH_KEEP_SECONDS", old_batch
    ),
    "removal.BatchPicture": Rule(
        "the batch", "REMOVAL_BATCH_BYTES_PER_ACCOUNT", "the batch's", old_picture
    ),
    "removal.WebhookDelivery": Rule(
        "the batch", "one for each picture and one for the batch", "the batch's", old_delivery
    ),
}


@pytest.fixture(autouse=True)
def own_storage(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def test_every_table_has_a_rule():
    tables = {model._meta.label for model in apps.get_models()}
    assert tables == set(RULES)
    assert all(rule.owner and rule.limit and rule.end for rule in RULES.values())


@pytest.mark.parametrize(
    "label", [label for label, rule in RULES.items() if rule.make_old is not None]
)
def test_the_chores_end_what_is_over(label):
    make_old = RULES[label].make_old
    assert make_old is not None
    row = make_old()
    for job in maintenance.JOBS:
        if job.name != "reconcile":
            job.run()
    assert not apps.get_model(label).objects.filter(pk=row.pk).exists()


def test_accounts_that_somebody_relies_on_are_never_taken_for_unconfirmed():
    confirmed = stranger("confirmed@example.com")
    staff = User.objects.create_user("staff@example.com", "a long pass phrase")
    User.objects.filter(pk=staff.pk).update(is_staff=True)
    with_key = new_caller("key@example.com").user
    EmailAddress.objects.filter(user=with_key).delete()
    User.objects.update(date_joined=LONG_AGO)
    young = User.objects.create(email="young@example.com")
    maintenance.forget_accounts()
    for user in (confirmed, staff, with_key, young):
        assert User.objects.filter(pk=user.pk).exists(), user.email


def test_old_requests_become_sums_that_say_the_same(settings):
    settings.REMOVAL_REQUESTS_KEEP_DAYS = 7
    alice = new_caller("alice@example.com")
    now = timezone.now()
    for days, status, charged in ((1, 200, "0.1"), (9, 200, "0.2"), (9, 400, "0"), (20, 200, "3")):
        Removal.objects.create(
            request_id=uuid4().hex, via="api", user=alice.user, api_key=alice.key, status=status,
            credits_charged=Decimal(charged), created_at=now - timedelta(days=days),
        )  # fmt: skip
    first = timezone.localdate() - timedelta(days=29)
    before = usage.by_day(alice.user, first), usage.by_key(alice.user, first)
    assert usage.age_out() == 3
    assert usage.age_out() == 0
    assert Removal.objects.count() == 1
    assert DailyUsage.objects.count() == 2
    assert (usage.by_day(alice.user, first), usage.by_key(alice.user, first)) == before
    assert before[1][alice.key.pk] == usage.Usage(4, 1, Decimal("3.3"))


def test_free_results_under_keys_give_way_to_newer_ones(
    settings, portrait, django_capture_on_commit_callbacks
):
    alice = new_caller("alice@example.com", "10")

    def post(key, **fields):
        alice.client.defaults["HTTP_IDEMPOTENCY_KEY"] = key
        with django_capture_on_commit_callbacks(execute=True):
            return alice.post(image=portrait, **fields)

    paid = post("paid")
    size = KeyedRequest.objects.get().size
    assert size == len(paid.content)
    first = post("first", test="1")
    settings.REMOVAL_IDEMPOTENCY_TEST_BYTES = len(first.content)
    assert post("second", test="1").status_code == 200
    answer = post("first", test="1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, 1127)
    assert post("second", test="1")["Idempotency-Replayed"] == "true"
    assert post("paid")["Idempotency-Replayed"] == "true"
    assert idempotency.sweep(timezone.now() + timedelta(days=1)) == 0


@pytest.fixture(scope="module")
def portrait() -> bytes:
    return pictures.portrait()


def test_batches_are_bounded_by_bytes(settings, portrait):
    alice = new_caller("alice@example.com", "10")
    first = alice.post("/api/v2/batches", image=portrait)
    assert first.status_code == 201
    assert BatchPicture.objects.get().size == len(portrait)
    settings.REMOVAL_BATCH_BYTES_PER_ACCOUNT = len(portrait) + 4 * 4096
    refused = alice.post("/api/v2/batches", image=portrait)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, 1164)
    assert "delete" in refused.json()["error"]["message"]
    bob = new_caller("bob@example.com", "10")
    assert bob.post("/api/v2/batches", image=portrait).status_code == 201


def test_many_small_pictures_and_empty_batches_count_too(settings):
    settings.REMOVAL_BATCH_BYTES_PER_ACCOUNT = 10 * 4096
    settings.REMOVAL_BATCHES_PER_ACCOUNT = 1000
    alice = new_caller("alice@example.com")
    codes = [alice.post("/api/v2/batches", keep_open="1").status_code for _ in range(12)]
    assert codes.count(201) <= 11
    assert codes[-1] == 429


def test_results_count_and_a_full_account_s_pictures_fail_free(settings, portrait):
    alice = new_caller("alice@example.com", "10")
    pair = {"image": portrait}
    alice.post("/api/v2/batches", **pair)
    assert runner.work_on_next()
    done = BatchPicture.objects.get()
    assert done.size > 0
    alice.post("/api/v2/batches", **pair)
    settings.REMOVAL_BATCH_BYTES_PER_ACCOUNT = done.size
    spent = ledger.state(alice.user).credits
    assert runner.work_on_next()
    failed = BatchPicture.objects.exclude(pk=done.pk).get()
    assert (failed.state, failed.error_code, failed.size) == ("failed", 1164, 0)
    assert ledger.state(alice.user).credits == spent


def test_who_keeps_most_of_the_page_s_room_makes_room_for_who_keeps_less(settings):
    def keep(share: str, size: int) -> KeptPicture:
        return KeptPicture.objects.create(
            picture_id=uuid4().hex, token=uuid4().hex, name="n", request_id="r", share=share,
            size=size, state=KeptPicture.State.DONE,
            expires_at=timezone.now() + timedelta(hours=1),
        )  # fmt: skip

    settings.REMOVAL_PAGE_KEEP_BYTES = 100
    greedy = [keep("greedy", 30) for _ in range(3)]
    assert not kept._make_room(30, "greedy")
    assert kept._make_room(30, "modest")
    assert not KeptPicture.objects.filter(pk=greedy[0].pk).exists()
    assert KeptPicture.objects.count() == 2
    keep("modest", 30)
    assert not kept._make_room(101, "anybody")
    assert not kept._make_room(40, "modest")
    assert KeptPicture.objects.count() == 3


def test_a_visitor_s_share_is_the_address_s_not_the_cookie_s(client, rf):
    def share(address: str, cookie: str) -> str:
        request = rf.get("/", REMOTE_ADDR=address)
        request.user = AnonymousUser()
        request.COOKIES["visitor"] = cookie
        return kept.owner_of(request).share

    assert share("192.0.2.1", "a" * 32) == share("192.0.2.1", "b" * 32)
    assert share("192.0.2.1", "a" * 32) != share("192.0.2.2", "a" * 32)
    assert share("2001:db8::1", "a" * 32) == share("2001:db8::2", "b" * 32)
    assert "192" not in share("192.0.2.1", "")


def test_an_export_is_streamed_and_had_once_an_hour(client):
    limits.forget_visitors()
    user = stranger("curious@example.com")
    client.force_login(user)
    first = client.get(reverse("export"))
    assert first.status_code == 200
    assert first.streaming
    again = client.get(reverse("export"))
    assert again.status_code == 429
    assert 0 < int(again["Retry-After"]) <= 3600
    limits.forget_visitors()
