"""An account is known by its email address, in whatever case it is typed."""

import pytest
from django.contrib.auth import authenticate
from django.db import IntegrityError, transaction

from accounts.models import User


def test_an_address_is_stored_in_lower_case(db):
    assert User.objects.create_user("Alice@Example.COM").email == "alice@example.com"


def test_a_second_account_with_the_same_address_in_another_case_is_refused(alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("ALICE@example.com")


def test_the_database_refuses_an_upper_case_address(alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=alice.pk).update(email="ALICE@example.com")


def test_login_takes_the_address_in_any_case(alice):
    alice.set_password("correct horse battery")
    alice.save()
    assert (
        authenticate(None, username="Alice@Example.com", password="correct horse battery") == alice
    )


def test_an_account_without_a_password_cannot_log_in(db):
    user = User.objects.create_user("bob@example.com")
    assert not user.has_usable_password()
    assert authenticate(None, username=user.email, password="") is None


def test_an_account_needs_an_address(db):
    with pytest.raises(ValueError, match="email"):
        User.objects.create_user("")


def test_a_superuser_may_enter_the_administration(db):
    admin = User.objects.create_superuser("root@example.com", "x")
    assert admin.is_staff
    assert admin.is_superuser


def test_passwords_are_stored_with_argon2(alice):
    alice.set_password("correct horse battery")
    assert alice.password.startswith("argon2$")
