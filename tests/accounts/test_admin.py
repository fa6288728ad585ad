"""Staff find people and keys, suspend and revoke; secrets are nowhere."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from accounts import services


@pytest.fixture
def key(alice):
    return services.issue_api_key(alice, "laptop")[0]


def test_a_person_is_found_by_email_and_by_api_id(admin_client, alice, key):
    for query in ("alice@", key.public_id):
        page = admin_client.get(reverse("admin:accounts_user_changelist"), {"q": query})
        assert b"alice@example.com" in page.content


def test_a_persons_page_lists_keys_without_hashes(admin_client, alice, key):
    page = admin_client.get(reverse("admin:accounts_user_change", args=[alice.pk])).content.decode()
    assert key.public_id in page
    assert key.secret_hash not in page


def test_suspending_and_reinstating_leave_log_entries(admin_client, alice):
    for action, suspended in (("suspend", True), ("reinstate", False)):
        admin_client.post(
            reverse("admin:accounts_user_changelist"),
            {"action": action, "_selected_action": [alice.pk]},
        )
        alice.refresh_from_db()
        assert alice.is_suspended is suspended
    assert LogEntry.objects.filter(object_id=str(alice.pk)).count() == 2


def test_staff_revoke_a_key(admin_client, key):
    admin_client.post(
        reverse("admin:accounts_apikey_changelist"),
        {"action": "revoke", "_selected_action": [key.pk]},
    )
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_staff_cannot_add_a_key_and_so_never_see_a_secret(admin_client, key):
    assert admin_client.get(reverse("admin:accounts_apikey_add")).status_code == 403


def test_staff_add_a_person_by_email(admin_client):
    page = admin_client.post(
        reverse("admin:accounts_user_add"),
        {"email": "Bob@Example.com", "usable_password": "false", "password1": "", "password2": ""},
    )
    assert page.status_code == 302, page.context["errors"]
