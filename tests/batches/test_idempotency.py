"""Idempotency-Key on batches: asked again, one batch, one charge and the same answer."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from billing.models import LedgerEntry
from removal import idempotency, storage
from removal.api import repeats
from removal.batches import register
from removal.models import Batch, BatchPicture, KeyedRequest
from tests.api.conftest import new_caller
from tests.billing.conftest import any_database  # noqa: F401 (a fixture)

from .conftest import BATCHES, delete, get, stored, work_through, zip_of

KEY = "parcel 7"


def post(caller, path=BATCHES, key=KEY, **fields):
    client = Client(raise_request_exception=False, HTTP_IDEMPOTENCY_KEY=key)
    return replace(caller, client=client).post(path, **fields)


def code_of(answer) -> tuple[int, int]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.django_db
def test_a_batch_sent_twice_is_one_batch_charged_once(alice, portrait):
    first = post(alice, image=portrait, webhook__url="https://example.com/hook")
    work_through()
    again = post(alice, image=portrait, webhook__url="https://example.com/hook")
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert "Idempotency-Replayed" not in first
    assert {**first.headers, "Idempotency-Replayed": "true"} == dict(again.headers)
    work_through()
    assert Batch.objects.count() == 1
    assert LedgerEntry.objects.filter(kind="settle").count() == 1


@pytest.mark.django_db
def test_pictures_added_twice_are_there_once(alice, portrait, tmp_path):
    batch = post(alice, key="open", keep_open="true").json()
    path = f"{BATCHES}/{batch['id']}/pictures"
    first = post(alice, path, zip=zip_of(a__jpg=portrait, b__jpg=portrait))
    again = post(alice, path, zip=zip_of(a__jpg=portrait, b__jpg=portrait))
    assert again.content == first.content
    assert again["Idempotency-Replayed"] == "true"
    assert BatchPicture.objects.count() == 2
    assert len(stored(tmp_path)) == 2
    alice.post(f"{BATCHES}/{batch['id']}/close")
    assert post(alice, path, zip=zip_of(a__jpg=portrait, b__jpg=portrait)).status_code == 201


@pytest.mark.django_db
def test_nothing_that_is_kept_holds_the_webhook_secret(alice, portrait):
    answer = post(alice, image=portrait, webhook__url="https://example.com/hook").json()
    assert answer["webhook"]["secret"]
    assert "webhook" not in repeats._unpacked(KeyedRequest.objects.get().outcome)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "other",
    [
        {"test": "true"},
        {"keep_open": "true"},
        {"output__format": "webp"},
        {"webhook__url": "https://example.com/hook"},
        {"image": b"another"},
        {"zip": zip_of(a=b"more")},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_key_for_another_batch_is_1128(alice, portrait, other):
    assert post(alice, image=portrait).status_code == 201
    assert code_of(post(alice, **({"image": portrait} | other))) == (422, 1128)
    assert Batch.objects.count() == 1


@pytest.mark.django_db
def test_a_key_belongs_to_one_path(alice, portrait):
    batch = post(alice, keep_open="true", image=portrait).json()
    path = f"{BATCHES}/{batch['id']}/pictures"
    assert code_of(post(alice, path, image=portrait)) == (422, 1128)
    assert code_of(post(alice, "/api/v2/remove-background", image=portrait)) == (422, 1128)
    assert post(alice, path, key="more", image=portrait).status_code == 201


@pytest.mark.django_db
def test_spelling_and_the_slash_make_no_other_batch(alice, portrait):
    post(alice, image=portrait, output__format="png")
    again = post(alice, BATCHES + "/", image=portrait, output__format="PNG", test="")
    assert again["Idempotency-Replayed"] == "true"


@pytest.mark.django_db
def test_after_an_error_the_key_is_free_and_nothing_is_left(alice, portrait, settings, tmp_path):
    settings.REMOVAL_BATCH_PICTURES = 1
    pictures = {"zip": zip_of(a__jpg=portrait, b__jpg=portrait)}
    assert code_of(post(alice, **pictures)) == (413, 1161)
    assert not Batch.objects.exists()
    assert stored(tmp_path) == []
    settings.REMOVAL_BATCH_PICTURES = 2
    answer = post(alice, **pictures)
    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 256, "caf\xe9"])
def test_keys_that_are_none_are_1120(alice, portrait, key):
    assert code_of(post(alice, key=key, image=portrait)) == (400, 1120)
    assert not Batch.objects.exists()


@pytest.mark.django_db
def test_a_key_under_way_is_1126(alice, portrait, monkeypatch):
    answers = []
    real = storage.put

    def put(name, content):
        monkeypatch.setattr(storage, "put", real)
        answers.append(post(alice, image=portrait))
        real(name, content)

    monkeypatch.setattr(storage, "put", put)
    assert post(alice, image=portrait).status_code == 201
    assert code_of(answers[0]) == (409, 1126)
    assert answers[0]["Retry-After"] == "5"


@pytest.mark.django_db
def test_a_batch_that_is_gone_or_past_its_time_is_1127(alice, portrait):
    batch = post(alice, image=portrait).json()
    delete(alice, f"{BATCHES}/{batch['id']}")
    assert code_of(post(alice, image=portrait)) == (409, 1127)
    idempotency.purge(timezone.now() + timedelta(hours=25))
    assert KeyedRequest.objects.get().outcome == {}
    assert code_of(post(alice, image=portrait)) == (409, 1127)
    assert not Batch.objects.exists()


@pytest.mark.django_db
def test_who_dies_before_the_end_leaves_no_batch_and_no_charge(alice, portrait, monkeypatch):
    """As the batch and the memory of it are one transaction, the next attempt is the first."""

    def die(*args):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(register, "_insert", die)
        patch.setattr(idempotency.KeyedResultStore, "give_up", lambda self: None)
        with pytest.raises(SystemExit):
            post(alice, image=portrait)
    assert not Batch.objects.exists()
    KeyedRequest.objects.update(expires_at=timezone.now())  # its lease has run out
    assert post(alice, image=portrait).status_code == 201
    assert len(get(alice, BATCHES).json()["batches"]) == 1


def test_of_many_at_once_one_makes_the_batch(any_database, portrait):  # noqa: F811
    alice = new_caller("alice@example.com", "10")
    barrier = threading.Barrier(4)

    def send(number):
        try:
            barrier.wait()
            own = replace(alice, client=Client(raise_request_exception=False))
            return post(own, image=portrait)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(4)))
    made = [a for a in answers if a.status_code == 201 and "Idempotency-Replayed" not in a]
    assert len(made) == 1
    assert {a.status_code for a in answers} <= {201, 409}
    assert Batch.objects.count() == 1
