"""Staff manage credits: found by what customers can name, moved with a reason, on record."""

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.urls import reverse

from accounts import services
from accounts.models import User
from billing import ledger
from billing.audit import audit
from billing.models import Account, Hold, LedgerEntry, Purchase


@pytest.fixture
def staff(db):
    return User.objects.create_user("staff@example.com", is_staff=True)


@pytest.fixture
def finance(client, staff):
    staff.groups.add(Group.objects.get(name="Finance"))
    client.force_login(staff)
    return client


@pytest.fixture
def support(client, staff):
    staff.groups.add(Group.objects.get(name="Support"))
    client.force_login(staff)
    return client


@pytest.fixture
def account(user):
    return user.credit_account


@pytest.fixture(autouse=True)
def books_are_right_afterwards(db):
    yield
    assert list(audit()) == []


def move(browser, name, subject, **fields):
    return browser.post(reverse(f"admin:billing_{name}", args=[subject.pk]), fields)


def test_an_account_is_found_by_email_api_id_and_request_id(finance, user):
    key, _ = services.issue_api_key(user)
    ledger.hold(user, Decimal(1), "req-77", 90)
    for query in (user.email, key.public_id, "req-77"):
        page = finance.get(reverse("admin:billing_account_changelist"), {"q": query})
        assert user.email in page.content.decode(), query


def test_balance_and_ledger_stand_on_one_page(finance, user, account):
    ledger.settle(ledger.hold(user, Decimal("1.3"), "req-78", 90))
    page = finance.get(reverse("admin:billing_account_change", args=[account.pk])).content.decode()
    for words in ("Balance:", "Use before:", "8.700", "req-78", "for the test"):
        assert words in page


def test_the_accounts_page_stays_short_and_leads_to_the_rest(finance, user, account, monkeypatch):
    monkeypatch.setattr("billing.admin.LATEST", 2)
    for number in range(3):
        ledger.hold(user, Decimal(1), f"req-{number}", 90)
    page = finance.get(reverse("admin:billing_account_change", args=[account.pk])).content.decode()
    assert "req-2" in page
    assert "req-0" not in page
    for name in ("ledgerentry", "hold"):
        address = f"{reverse(f'admin:billing_{name}_changelist')}?account__id__exact={account.pk}"
        assert address in page
        assert "req-0" in finance.get(address).content.decode()


def test_a_grant_leaves_a_row_and_a_log_entry(finance, staff, user, account):
    move(finance, "grant", account, credits="2.5", reason="sorry")
    entry = LedgerEntry.objects.first()
    assert (entry.kind, entry.amount, entry.reason, entry.actor) == (
        "grant",
        Decimal("2.5"),
        "sorry",
        staff,
    )
    assert "sorry" in LogEntry.objects.get(user=staff).change_message


def test_a_removal_leaves_a_row_and_a_log_entry(finance, staff, account):
    move(finance, "remove", account, credits="4", reason="mistake")
    assert Account.objects.get(pk=account.pk).balance == 6
    assert LogEntry.objects.filter(user=staff).count() == 1


def test_removing_more_than_there_is_says_so_and_does_nothing(finance, account):
    page = move(finance, "remove", account, credits="11", reason="mistake")
    assert "Not enough credits" in page.content.decode()
    assert Account.objects.get(pk=account.pk).balance == 10


def test_a_request_is_refunded_once(finance, staff, user):
    hold = ledger.hold(user, Decimal(1), "req-79", 90)
    ledger.settle(hold)
    ledger.mark_delivered(hold)
    move(finance, "refund", hold, reason="bad edges")
    page = move(finance, "refund", hold, reason="again")
    assert "refunded already" in page.content.decode()
    assert Account.objects.get(user=user).balance == 10
    assert Hold.objects.get().state == "refunded"


@pytest.mark.parametrize(
    "fields",
    [
        {"credits": "1", "reason": ""},
        {"credits": "0", "reason": "x"},
        {"credits": "-1", "reason": "x"},
        {"credits": "x", "reason": "x"},
        {"credits": "0.0001", "reason": "x"},
    ],
)
def test_nothing_moves_without_amount_and_reason(finance, account, fields):
    move(finance, "grant", account, **fields)
    assert Account.objects.get(pk=account.pk).balance == 10


@pytest.mark.parametrize("name", ["grant", "remove"])
def test_support_reads_but_moves_no_credits(support, account, name):
    page = support.get(reverse("admin:billing_account_change", args=[account.pk]))
    assert page.status_code == 200
    assert "Grant credits" not in page.content.decode()
    assert move(support, name, account, credits="1", reason="x").status_code == 403
    assert Account.objects.get(pk=account.pk).balance == 10


def test_support_refunds_nothing(support, user):
    hold = ledger.hold(user, Decimal(1), "", 90)
    ledger.settle(hold)
    assert move(support, "refund", hold, reason="x").status_code == 403


def test_a_closed_account_is_given_nothing(finance, user, account):
    user.delete()
    assert move(finance, "grant", account, credits="1", reason="x").status_code == 404


def test_ledger_rows_cannot_be_added_changed_or_deleted_here(finance, user):
    row = LedgerEntry.objects.get()
    assert finance.get(reverse("admin:billing_ledgerentry_add")).status_code == 403
    change = finance.post(reverse("admin:billing_ledgerentry_change", args=[row.pk]), {"amount": 9})
    assert change.status_code == 403
    assert (
        finance.post(reverse("admin:billing_ledgerentry_delete", args=[row.pk])).status_code == 403
    )


def test_finance_sets_packs_and_prices(finance):
    finance.post(
        reverse("admin:billing_creditpack_add"),
        {
            "name": "Hundred",
            "credits": "100",
            "validity_days": "365",
            "position": "0",
            "is_active": "on",
            "prices-TOTAL_FORMS": "2",
            "prices-INITIAL_FORMS": "0",
            "prices-0-currency": "eur",
            "prices-0-amount": "9.99",
            "prices-1-currency": "jpy",
            "prices-1-amount": "1500",
        },
    )
    page = finance.get(reverse("admin:billing_creditpack_changelist")).content.decode()
    assert "9.99 EUR, 1,500 JPY" in page


def test_purchases_link_to_stripe(finance, account, settings):
    settings.STRIPE_SECRET_KEY = "sk_test_x"
    Purchase.objects.create(
        account=account,
        pack_name="Hundred",
        credits=1,
        validity_days=1,
        currency="eur",
        amount=999,
        payment_intent="pi_1",
    )
    page = finance.get(reverse("admin:billing_purchase_changelist")).content.decode()
    assert "https://dashboard.stripe.com/test/payments/pi_1" in page
    assert "9.99 EUR" in page


def test_daily_totals_tell_what_was_given_used_and_is_outstanding(finance, user):
    ledger.settle(ledger.hold(user, Decimal("1.3"), "", 90))
    page = finance.get(reverse("admin:billing_totals")).content.decode()
    assert "8.700 credits are outstanding" in page
    assert "<td>10.000</td><td>-1.300</td>" in page
