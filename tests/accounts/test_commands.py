"""`manage.py issue_api_key`: scripts outside the repository read its one line."""

import io
import re

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ApiKey, User
from accounts.services import authenticate_key


def issue(*arguments):
    stdout, stderr = io.StringIO(), io.StringIO()
    call_command("issue_api_key", *arguments, stdout=stdout, stderr=stderr)
    return stdout.getvalue(), stderr.getvalue()


def test_stdout_is_exactly_id_and_secret(db):
    line, _ = issue("alice@example.com")
    assert re.fullmatch(r"[a-z0-9]+:[A-Za-z0-9_-]{24,}\n", line)


def test_the_pair_works(db):
    public_id, secret = issue("alice@example.com")[0].strip().split(":")
    assert authenticate_key(public_id, secret).user.email == "alice@example.com"


def test_hints_go_to_stderr(db):
    _, hints = issue("alice@example.com")
    assert "grant_credits alice@example.com" in hints


def test_an_absent_account_is_created_without_a_usable_password(db):
    issue("New@Example.com")
    assert not User.objects.get(email="new@example.com").has_usable_password()


def test_an_existing_account_is_taken_in_any_case(alice):
    issue("ALICE@example.com")
    assert ApiKey.objects.get().user == alice


def test_label_and_test_only_are_kept(db):
    issue("alice@example.com", "--label", "laptop", "--test-only")
    key = ApiKey.objects.get()
    assert (key.label, key.test_only) == ("laptop", True)


@pytest.mark.parametrize("email", ["", "alice", "alice@", "a b@example.com"])
def test_what_is_no_address_is_refused(db, email):
    with pytest.raises(CommandError, match="not an email"):
        issue(email)
    assert not User.objects.exists()
