"""/readyz says what is missing."""

import pytest
from django.db import connection
from django.db.utils import OperationalError

from removal.execution import pool

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def warm(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    pool.shared().start()
    pool.shared().wait()


def reasons(client):
    answer = client.get("/readyz")
    assert answer.status_code == (503 if answer.json()["reasons"] else 200)
    return answer.json()["reasons"]


def test_with_all_in_place_it_is_ready(client):
    assert reasons(client) == []


def test_a_full_disk_is_a_reason(client, settings, tmp_path):
    full = {"BACKEND": "tests.storage.full.FullFolder", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = settings.STORAGES | {"default": full}
    assert reasons(client) == ["The storage is full or does not answer."]


def test_a_silent_redis_is_a_reason(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert reasons(client) == ["Redis does not answer."]


def test_a_silent_database_is_a_reason(client, monkeypatch):
    def away():
        raise OperationalError("gone")

    monkeypatch.setattr(connection, "cursor", away)
    assert reasons(client) == ["The database does not answer."]
