"""All places taken: refused quickly, and in the order of checks that the contract has."""

import base64
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from prometheus_client import REGISTRY

from removal import capacity, services
from removal.models import LeaseRow, Removal
from tests.crowd import full_house

from .conftest import new_caller

pytestmark = pytest.mark.django_db
REMOVEBG = "/v1.0/removebg"


@pytest.fixture(autouse=True)
def full(monkeypatch) -> Iterator[ExitStack]:
    """Every place is taken until it is closed; what is known of that lasts for the test."""
    monkeypatch.setattr(capacity, "FULL_SECONDS", 600)
    with full_house() as others:
        yield others


def test_who_asks_again_is_refused_before_anything_is_looked_up(
    alice, portrait, django_assert_num_queries
):
    first = alice.post(image=portrait)
    with django_assert_num_queries(0):
        second = alice.post(image=portrait)
    for answer in (first, second):
        assert answer.status_code == 429
        assert answer.json()["error"]["code"] == 1015
        assert answer["Retry-After"] == "5"
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert answer["Content-Type"] == "application/json"
    assert first.json() == second.json()
    assert set(first.headers) - {"Allow"} == set(second.headers)
    assert first["X-Request-Id"] != second["X-Request-Id"]


def test_a_place_that_is_left_is_had_at_once(alice, portrait, full):
    assert [alice.post(image=portrait).status_code for _ in range(2)] == [429, 429]
    full.close()
    assert alice.post(image=portrait).status_code == 200


def test_other_credentials_are_looked_up_first(alice, portrait):
    assert alice.post(image=portrait).status_code == 429
    right = alice.authorization
    pair = base64.b64encode(f"{alice.key.public_id}:wrong".encode()).decode()
    alice.authorization = f"Basic {pair}"
    assert alice.post(image=portrait).json()["error"]["code"] == 1004
    alice.authorization = right
    assert alice.post("/api/v2/nothing", image=portrait).status_code == 404


def test_a_body_that_is_too_long_is_413_all_the_same(alice, portrait, settings):
    assert alice.post(image=portrait).status_code == 429
    settings.REMOVAL_MAX_UPLOAD_BYTES = 1000
    assert alice.post(image=b"-" * 3_000_000).status_code == 413


def test_ones_own_limit_stops_nobody_else(portrait, full, monkeypatch):
    full.close()
    alice, bob = (new_caller(f"{name}@example.com", "10") for name in ("alice", "bob"))
    shared = capacity.shared()
    with ExitStack() as own:
        for _ in range(shared.limits.per_key):
            own.enter_context(shared.admit(services.claimant_of(alice.key)))
        messages = [alice.post(image=portrait).json()["error"]["message"] for _ in range(2)]
        assert messages[0] == messages[1]
        assert "You already have" in messages[0]
        assert bob.post(image=portrait).status_code == 200


def test_an_account_with_all_its_requests_stops_nobody_else(portrait, full):
    full.close()
    alice, bob = (new_caller(f"{name}@example.com", "10") for name in ("alice", "bob"))
    shared = capacity.shared()
    with ExitStack() as own:
        for _ in range(shared.limits.per_account):
            claimant = capacity.Claimant(services.account_key(alice.user))
            own.enter_context(shared.admit(claimant))
        assert alice.post(image=portrait).status_code == 429
        assert bob.post(image=portrait).status_code == 200


def test_removebgs_clients_hear_it_in_their_words(alice, portrait, django_assert_num_queries):
    token = base64.b64decode(alice.authorization.removeprefix("Basic ")).decode()

    def post():
        return alice.client.post(
            REMOVEBG, {"image_file_b64": base64.b64encode(portrait)}, HTTP_X_API_KEY=token
        )

    first = post()
    with django_assert_num_queries(0):
        second = post()
    for answer in (first, second):
        assert answer.status_code == 429
        assert answer.json()["errors"][0]["code"] == "rate_limit_exceeded"
        assert answer["X-RateLimit-Remaining"] == "0"
    assert set(first.headers) - {"Allow"} == set(second.headers)


def test_refusals_are_counted_and_leave_no_rows(alice, portrait):
    before = refusals()
    alice.post(image=portrait)
    alice.post(image=portrait)
    assert refusals() == before + 2
    assert not Removal.objects.exists()


def refusals() -> float:
    labels = {"dialect": "v2", "status": "429", "code": "1015"}
    return REGISTRY.get_sample_value("removal_requests_total", labels) or 0


def test_what_is_known_of_a_crowd_is_forgotten(alice, portrait, full, monkeypatch):
    """Others may have left through another process, of whom this one hears nothing."""
    monkeypatch.setattr(capacity, "FULL_SECONDS", 0)
    assert alice.post(image=portrait).status_code == 429
    LeaseRow.objects.all().delete()
    assert alice.post(image=portrait).status_code == 200
