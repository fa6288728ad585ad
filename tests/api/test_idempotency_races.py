"""Many requests with one key at once, on SQLite and on PostgreSQL: one works, one charge."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client

from billing.models import Hold, LedgerEntry
from removal import idempotency
from removal.errors import KeyInProgress
from removal.models import KeyedRequest
from tests import pictures
from tests.billing.conftest import any_database  # noqa: F401 (a fixture)

from .conftest import new_caller

THREADS = 6


@pytest.fixture(autouse=True)
def storage(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def at_once(action):
    """What each thread got, all of them having started before the first goes on."""
    barrier = threading.Barrier(THREADS)

    def run(number):
        try:
            barrier.wait()
            return action(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_one_of_many_requests_works_and_one_charge_is_made(any_database):  # noqa: F811
    alice = new_caller("alice@example.com", "10")
    subject = pictures.portrait(100, 120)

    def post(number):
        client = Client(raise_request_exception=False, HTTP_IDEMPOTENCY_KEY="one")
        return replace(alice, client=client).post(image=subject)

    answers = at_once(post)
    worked = [a for a in answers if a.status_code == 200 and "Idempotency-Replayed" not in a]
    assert len(worked) == 1
    for answer in answers:
        assert answer.status_code in (200, 409), answer.content[:200]
        if answer.status_code == 409:
            assert answer.json()["error"]["code"] == 1126
        else:
            assert answer.content == worked[0].content
    assert Hold.objects.filter(account__user=alice.user).count() == 1
    assert LedgerEntry.objects.filter(account__user=alice.user, kind="settle").count() == 1
    assert post(0)["Idempotency-Replayed"] == "true"


def test_a_key_is_claimed_by_one_also_where_its_first_owner_died(any_database):  # noqa: F811
    user = new_caller("bob@example.com").user
    for _ in range(3):

        def claim(number):
            try:
                return idempotency.claim(user, "key", "fingerprint", str(number))
            except KeyInProgress:
                return None

        assert sum(row is not None for row in at_once(claim)) == 1
        KeyedRequest.objects.update(expires_at="2020-01-01T00:00:00Z")
