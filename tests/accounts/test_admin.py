"""Staff find people and keys, suspend and revoke; secrets are nowhere."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from accounts import services
from accounts.models import User


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


@pytest.fixture
def support(client, alice):
    """Alice, as staff who suspend accounts and revoke keys."""
    alice.groups.add(Group.objects.get(name="Support"))
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    client.force_login(alice)
    return client


def test_support_can_make_nobody_a_superuser(support, alice, admin_user):
    for user in (alice, admin_user):
        page = reverse("admin:accounts_user_change", args=[user.pk])
        assert support.get(page).status_code == 200
        support.post(
            page,
            {"email": "mine@example.com", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
            | {f"api_keys-{name}_FORMS": 0 for name in ("TOTAL", "INITIAL")},
        )
    alice.refresh_from_db()
    assert not alice.is_superuser
    assert not User.objects.filter(email="mine@example.com").exists()


def test_support_can_set_nobodys_password(support, admin_user):
    page = reverse("admin:auth_user_password_change", args=[admin_user.pk])
    new = {"usable_password": "true", "password1": "taken 0ver by", "password2": "taken 0ver by"}
    assert support.post(page, new).status_code == 403
    stored = admin_user.password
    admin_user.refresh_from_db()
    assert admin_user.password == stored


def test_support_sees_no_hash_of_a_password(support, admin_user):
    page = support.get(reverse("admin:accounts_user_change", args=[admin_user.pk]))
    assert admin_user.password not in page.content.decode()


def test_support_suspends(support):
    bob = User.objects.create_user("bob@example.com")
    support.post(
        reverse("admin:accounts_user_changelist"),
        {"action": "suspend", "_selected_action": [bob.pk]},
    )
    bob.refresh_from_db()
    assert bob.is_suspended


def test_support_cannot_act_on_superusers(support, admin_user, alice):
    """Else whoever may suspend locks the owner out."""
    bob = User.objects.create_user("bob@example.com")
    keys = [services.issue_api_key(owner)[0] for owner in (admin_user, bob)]
    people, listed = reverse("admin:accounts_user_changelist"), [admin_user.pk, bob.pk]
    page = support.post(people, {"action": "suspend", "_selected_action": listed}, follow=True)
    assert "only a superuser may" in page.content.decode()
    support.post(
        reverse("admin:accounts_apikey_changelist"),
        {"action": "revoke", "_selected_action": [key.pk for key in keys]},
    )
    for row in (admin_user, bob, *keys):
        row.refresh_from_db()
    assert (admin_user.is_suspended, bob.is_suspended) == (False, True)
    assert (keys[0].is_revoked, keys[1].is_revoked) == (False, True)
    services.suspend(admin_user)
    support.post(people, {"action": "reinstate", "_selected_action": listed})
    for user in (admin_user, bob):
        user.refresh_from_db()
    assert (admin_user.is_suspended, bob.is_suspended) == (True, False)


def test_whoever_may_delete_people_cannot_delete_superusers(support, admin_user, alice):
    alice.user_permissions.set(
        Permission.objects.filter(codename__in=["delete_user", "delete_apikey", "delete_account"])
    )
    key = services.issue_api_key(admin_user)[0]
    for page in (
        reverse("admin:accounts_user_delete", args=[admin_user.pk]),
        reverse("admin:accounts_apikey_delete", args=[key.pk]),
    ):
        assert support.post(page, {"post": "yes"}).status_code == 403
    form = {"action": "delete_selected", "_selected_action": [admin_user.pk], "post": "yes"}
    support.post(reverse("admin:accounts_user_changelist"), form)
    assert User.objects.filter(pk=admin_user.pk).exists()
