"""What hashing passwords costs, and that its cost tells nothing."""

import subprocess
import sys

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, MD5PasswordHasher, make_password
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import services
from accounts.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
MANY_AT_ONCE = """
import os, resource, threading
os.environ["DJANGO_SETTINGS_MODULE"] = "pixian_site.settings"
import django
django.setup()
from django.contrib.auth.hashers import check_password, make_password
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
stored = make_password("x")
before = peak()
threads = [threading.Thread(target=check_password, args=("y", stored)) for _ in range(28)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(peak() - before)
"""


class CountingHasher(MD5PasswordHasher):
    """Quick, and counts how often the dear one would have worked."""

    worked = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).worked += 1
        return super().encode(password, salt)


@pytest.fixture
def hashes(settings):
    """The number of hashes that what was called took."""
    cache.clear()
    settings.PASSWORD_HASHERS = [f"{__name__}.{CountingHasher.__name__}"]
    settings.ACCOUNT_RATE_LIMITS = False

    def count(work) -> int:
        before = CountingHasher.worked
        work()
        return CountingHasher.worked - before

    return count


@pytest.fixture
def bob(hashes):
    user = User.objects.create_user("bob@example.com", PASSWORD)
    user.confirm_email()
    return user


def test_many_at_once_take_the_memory_of_a_few():
    done = subprocess.run(
        [sys.executable, "-c", MANY_AT_ONCE], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(done.stdout) < 100  # MiB; unbounded it was 2,600


def test_hashes_of_before_still_open_and_are_made_anew():
    """Their parameters stand in them."""
    old = Argon2PasswordHasher().encode(PASSWORD, "saltsaltsaltsaltsalt")
    assert "m=102400" in old
    user = User.objects.create(email="bob@example.com", password=old)
    assert user.check_password(PASSWORD)
    user.refresh_from_db()
    assert "m=19456,t=2,p=1" in user.password
    assert not user.check_password("wrong")


def sign_up(email: str):
    form = {"email": email, "password1": PASSWORD, "terms": "on"}
    return lambda: Client().post(reverse("account_signup"), form)


def test_signing_up_works_as_much_for_a_taken_address(bob, hashes):
    assert hashes(sign_up("bob@example.com")) == hashes(sign_up("free@example.com")) == 1
    assert User.objects.count() == 2


def test_signing_up_writes_as_much_for_a_taken_address(bob, hashes):
    def inserts(email: str) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            sign_up(email)()
        statements = [query["sql"] for query in queries.captured_queries]
        return [sql.split("(")[0] for sql in statements if sql.startswith("INSERT")]

    assert inserts("bob@example.com") == inserts("free@example.com")


@pytest.mark.django_db(transaction=True)
def test_signing_up_commits_as_much_for_a_taken_address(bob, hashes):
    """A commit waits for the disk, which is the next dearest thing after the hash."""

    def commits(email: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            sign_up(email)()
        return sum(query["sql"] == "COMMIT" for query in queries.captured_queries)

    assert commits("bob@example.com") == commits("free@example.com")
    bob.refresh_from_db()
    assert bob.language == "en"


def test_signing_in_works_as_much_whoever_is_known(bob, hashes):
    services.get_or_create_account("keys@example.com")
    suspended = User.objects.create_user("gone@example.com", PASSWORD, is_active=False)
    suspended.confirm_email()
    User.objects.create_user("unconfirmed@example.com", PASSWORD)

    def log_in(email: str):
        form = {"login": email, "password": "wrong"}
        return lambda: Client().post(reverse("account_login"), form)

    known = ["bob", "keys", "gone", "unconfirmed", "nobody"]
    assert [hashes(log_in(f"{name}@example.com")) for name in known] == [1] * len(known)


@pytest.mark.parametrize("name", ["bob", "nobody"])
def test_asking_for_a_reset_hashes_nothing(bob, hashes, name):
    form = {"email": f"{name}@example.com"}
    assert hashes(lambda: Client().post(reverse("account_reset_password"), form)) == 0


def test_changing_the_address_works_as_much_for_a_taken_one(bob, hashes):
    User.objects.create(email="carol@example.com", password=make_password(None)).confirm_email()
    client = Client()
    client.force_login(bob)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})

    def change(email: str):
        return lambda: client.post(reverse("account_email"), {"email": email, "action_add": ""})

    assert hashes(change("carol@example.com")) == hashes(change("free@example.com")) == 0
