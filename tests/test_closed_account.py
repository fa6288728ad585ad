"""Who closes an account is gone from all tables; the books stay right and name nobody."""

from decimal import Decimal

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.services import close_account
from billing import ledger, stripe_gateway, webhooks
from billing.audit import audit
from billing.models import Account, Hold, LedgerEntry, Purchase
from removal import engine
from removal.execution import inline
from removal.models import Removal
from tests import pictures
from tests.api.conftest import new_caller
from tests.fake_stripe import signed
from tests.life import EMAIL, FILE_NAME, NEW_EMAIL, PASSWORD, Somebody, basic, dump, live, log_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def somebody(settings, stripe, tmp_path) -> Somebody:
    settings.MEDIA_ROOT = tmp_path
    settings.ACCOUNT_RATE_LIMITS = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return live(stripe)


@pytest.fixture
def boss(client) -> User:
    """An administrator, who is logged in as `client`."""
    user = User.objects.create_superuser("boss@example.com")
    client.force_login(user)
    return user


def close(somebody: Somebody) -> None:
    somebody.client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    somebody.client.post(reverse("account_close"))


def files(folder: str = "") -> list[str]:
    folders, found = default_storage.listdir(folder)
    return found + [name for inner in folders for name in files(f"{folder}/{inner}".lstrip("/"))]


def told_of(somebody: Somebody) -> list[str]:
    """What any table knows of the person."""
    everything = str(dump()) + str([SessionStore(row.pk).load() for row in Session.objects.all()])
    personal = [EMAIL, NEW_EMAIL, FILE_NAME, "Somebody's browser", "laptop", "payer@"]
    personal += [pair.split(":")[0] for pair in somebody.pairs]
    return [text for text in personal if text in everything]


def test_no_table_and_no_file_knows_who_it_was(somebody, client, boss):
    account = Account.objects.get(user=somebody.user)
    grant = reverse("admin:billing_grant", args=[account.pk])
    client.post(grant, {"credits": "1", "reason": "gift"})
    assert len(told_of(somebody)) >= 6
    assert files()
    close(somebody)
    assert told_of(somebody) == []
    assert files() == []


def test_keys_and_sessions_end_at_once(somebody):
    elsewhere = Client()
    log_in(elsewhere, PASSWORD)
    elsewhere.post(reverse("mfa_authenticate"), {"code": somebody.recovery_codes[0]})
    assert elsewhere.get(reverse("dashboard")).status_code == 200
    close(somebody)
    answer = Client().get("/api/v2/account", headers={"Authorization": basic(somebody.pairs[0])})
    assert answer.json()["error"]["code"] == 1001
    assert elsewhere.get(reverse("dashboard")).status_code == 302
    assert not any("_auth_user_id" in session.get_decoded() for session in Session.objects.all())


def test_the_books_stay_and_are_right(somebody):
    entries, requests = LedgerEntry.objects.count(), Removal.objects.count()
    close(somebody)
    assert list(audit()) == []
    assert (LedgerEntry.objects.count(), Removal.objects.count()) == (entries, requests)
    assert Purchase.objects.get().state == Purchase.State.PAID
    assert set(Removal.objects.values_list("user", "api_key")) == {(None, None)}


def test_what_stripe_reports_afterwards_counts_and_names_nobody(somebody, stripe):
    refund = stripe.refund(stripe.session, 1000)
    refund["data"]["object"]["description"] = "payer@example.com"
    close(somebody)
    webhooks.receive(stripe_gateway.read_event(*signed(refund)))
    assert told_of(somebody) == []
    assert Account.objects.get(user=None).balance == 0
    assert list(audit()) == []


def test_a_person_deleted_by_staff_is_forgotten_as_well(somebody, client, boss):
    address = reverse("admin:accounts_user_delete", args=[somebody.user.pk])
    client.post(address, {"post": "yes"})
    assert not User.objects.filter(email=EMAIL).exists()
    assert told_of(somebody) == []
    assert files() == []
    assert list(audit()) == []


def test_many_deleted_by_staff_are_forgotten_as_well(somebody, client, boss):
    form = {"action": "delete_selected", "_selected_action": [somebody.user.pk], "post": "yes"}
    client.post(reverse("admin:accounts_user_changelist"), form)
    assert told_of(somebody) == []
    assert files() == []


def test_whoever_moved_credits_stays_known(somebody, boss):
    """Former staff: a ledger row names them."""
    ledger.grant(boss, Decimal(1), "gift", actor=somebody.user)
    close(somebody)
    assert User.objects.filter(email=EMAIL).exists()
    answer = Client().get("/api/v2/account", headers={"Authorization": basic(somebody.pairs[0])})
    assert answer.status_code == 200


def test_a_request_at_work_ends_in_right_books(somebody):
    """The account closes between the hold and the charge."""
    hold = ledger.hold(somebody.user, Decimal("0.1"), "at-work", 90)
    close(somebody)
    ledger.settle(hold)
    ledger.mark_delivered(hold)
    assert list(audit()) == []


@pytest.mark.parametrize(("module", "work"), [(engine, "inspect"), (inline, "run")])
def test_closing_in_the_middle_of_a_request_is_no_fault(monkeypatch, module, work):
    """Between the look at the balance and the hold, and between the hold and the charge."""
    alice = new_caller("alice@example.com", "10")
    real = getattr(module, work)

    def close_first(*given):
        close_account(User.objects.get(pk=alice.user.pk))
        return real(*given)

    monkeypatch.setattr(module, work, close_first)
    answer = alice.post(image=pictures.portrait())
    assert answer.status_code in (200, 402), answer.content
    assert list(audit()) == []
    assert not Hold.objects.filter(state=Hold.State.OPEN).exists()
