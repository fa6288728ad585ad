"""The admin's first page tells staff how the site is."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.models import User
from billing import audit, ledger
from billing.models import Account, AuditRun
from removal.models import Removal

pytestmark = pytest.mark.django_db


@pytest.fixture
def first_page(client):
    client.force_login(User.objects.create_superuser("boss@example.com", "a long password"))
    return lambda: client.get(reverse("admin:index")).content.decode()


def test_requests_errors_and_credits_of_today(first_page):
    user = User.objects.create_user("alice@example.com")
    ledger.grant(user, Decimal(5), "for the test")
    for number, (status, code) in enumerate([(200, None), (400, 1101), (400, 1101), (503, 1200)]):
        Removal.objects.create(
            request_id=str(number), via="api", user=user, status=status, error_code=code,
            test=number == 0,
        )  # fmt: skip
    text = first_page()
    assert "1 tests, 3 failed" in text
    assert text.index("1101 ") < text.index("1200 ")
    assert "<b>2</b>" in text


def test_the_last_audit_is_told_and_its_faults_stand_out(first_page):
    assert "Not yet: run" in first_page()
    call_command("audit_ledger")
    assert ": 0 faults" in first_page()
    user = User.objects.create_user("alice@example.com")
    Account.objects.filter(user=user).update(balance=7)
    with pytest.raises(CommandError):
        call_command("audit_ledger")
    text = first_page()
    assert ": 1 fault" in text
    assert 'class="wrong"' in text


def test_only_the_latest_audits_are_kept(monkeypatch):
    monkeypatch.setattr(audit, "RUNS_KEPT", 2)
    for _ in range(4):
        call_command("audit_ledger")
    assert AuditRun.objects.count() == 2


def test_staff_without_that_right_see_nothing_of_it(client):
    helper = User.objects.create_user("helper@example.com", is_staff=True)
    client.force_login(helper)
    assert 'class="overview"' not in client.get(reverse("admin:index")).content.decode()
    helper.groups.set(Group.objects.filter(permissions__codename="view_removal"))
    assert 'class="overview"' in client.get(reverse("admin:index")).content.decode()
