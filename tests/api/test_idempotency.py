"""Idempotency-Key: asked again, the same answer and never a second charge."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from accounts.services import close_account
from billing import ledger
from pixian_site import maintenance
from removal import engine, idempotency
from removal.errors import TookTooLong
from removal.execution import inline
from removal.models import KeyedRequest, Removal
from tests import pictures

from .conftest import ENDPOINT, new_caller
from .test_errors import error_of

pytestmark = pytest.mark.django_db
KEY = "order 66/7"
PRICE = Decimal("0.052")


@pytest.fixture(autouse=True)
def storage(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture(scope="session")
def photo():
    return pictures.portrait()


def post(caller, path=ENDPOINT, key=KEY, **fields):
    caller.client.defaults["HTTP_IDEMPOTENCY_KEY"] = key
    return caller.post(path, **fields)


def kept_files():
    return default_storage.listdir("keyed-results")[1]


def test_a_repeated_request_gets_the_same_bytes_and_headers_and_is_charged_once(alice, photo):
    first = post(alice, image=photo)
    again = post(alice, image=photo)
    assert first.status_code == again.status_code == 200
    assert again.content == first.content
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert {**first.headers, "Idempotency-Replayed": "true"} == dict(again.headers)
    assert again["X-Credits-Charged"] == "0.052"
    assert alice.credits == 10 - PRICE
    assert Removal.objects.count() == 1


def test_a_repetition_does_no_imaging_work(alice, photo, monkeypatch):
    post(alice, image=photo)
    monkeypatch.setattr(engine, "inspect", lambda data: pytest.fail("imaging work was done"))
    assert post(alice, image=photo).status_code == 200


def test_a_repetition_needs_no_credits_any_more(photo):
    carol = new_caller("carol@example.com", "0.052")
    post(carol, image=photo)
    assert post(carol, image=photo).status_code == 200
    assert carol.credits == 0


def test_tests_and_empty_results_are_remembered_too(alice, photo):
    for fields in ({"image": photo, "test": "1"}, {"image": pictures.blank()}):
        first = post(alice, key=str(len(fields)), **fields)
        again = post(alice, key=str(len(fields)), **fields)
        assert again["Idempotency-Replayed"] == "true"
        assert again.get("X-Credits-Calculated") == first.get("X-Credits-Calculated")
        assert again["X-Credits-Charged"] == "0"
    assert alice.credits == 10


def test_the_key_belongs_to_the_account_not_to_the_api_key(alice, bob, photo):
    post(alice, image=photo, test="1")
    other = new_caller("alice@example.com")
    assert post(other, image=photo, test="1")["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in post(bob, image=photo, test="1")


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (ENDPOINT, {"test": "1"}),
        (ENDPOINT, {"output__format": "mask"}),
        (ENDPOINT, {"image": pictures.blank()}),
        ("/api/v1/remove-background", {}),
    ],
    ids=["test", "format", "image", "path"],
)
def test_a_key_for_another_request_is_1128(alice, photo, path, fields):
    post(alice, image=photo)
    error_of(post(alice, path, **({"image": photo} | fields)), 422, 1128)
    assert alice.credits == 10 - PRICE


def test_spelling_and_the_slash_make_no_other_request(alice, photo):
    post(alice, image=photo, output__format="png")
    again = post(alice, ENDPOINT + "/", image=photo, output__format="PNG", max_pixels="25000000")
    assert again["Idempotency-Replayed"] == "true"


def test_a_key_under_way_is_1126(alice, photo, monkeypatch):
    answers = []
    real = inline.run

    def run(job):
        monkeypatch.setattr(inline, "run", real)
        answers.append(post(alice, image=photo))
        return real(job)

    monkeypatch.setattr(inline, "run", run)
    assert post(alice, image=photo).status_code == 200
    error_of(answers[0], 409, 1126)
    assert answers[0]["Retry-After"] == "5"
    assert alice.credits == 10 - PRICE


def test_a_key_for_another_request_is_1128_also_while_the_first_is_under_way(alice, photo):
    """Waiting, as 1126 advises, would be in vain."""
    idempotency.claim(alice.user, KEY, "of another picture", "first")
    error_of(post(alice, image=photo), 422, 1128)


def test_after_an_error_the_key_is_free(bob, photo):
    error_of(post(bob, image=photo), 402, 1008)
    ledger.grant(bob.user, Decimal(1), "for the test")
    response = post(bob, image=photo)
    assert response.status_code == 200
    assert "Idempotency-Replayed" not in response


def test_parameters_are_checked_before_the_key_and_the_key_before_credits(bob, photo):
    error_of(post(bob, image=photo, max_pixels="1"), 400, 1102)
    assert not KeyedRequest.objects.exists()
    error_of(post(bob, key="", image=photo), 400, 1120)


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "caf\xe9"])
def test_keys_that_are_none_are_1120(alice, photo, key):
    assert "1 to 255" in error_of(post(alice, key=key, image=photo), 400, 1120)


def test_a_failed_charge_leaves_neither_result_nor_key(alice, photo, monkeypatch):
    def full(self, outcome, hold):
        raise OSError("no space left")

    monkeypatch.setattr(idempotency.KeyedResultStore, "remember", full)
    error_of(post(alice, image=photo), 500, 1500)
    assert alice.credits == 10
    assert not KeyedRequest.objects.exists()


def test_a_result_past_its_time_is_1127_and_never_charged_again(alice, photo):
    post(alice, image=photo)
    KeyedRequest.objects.update(expires_at=timezone.now())
    error_of(post(alice, image=photo), 409, 1127)
    maintenance.purge()
    assert kept_files() == []
    error_of(post(alice, image=photo), 409, 1127)
    assert alice.credits == 10 - PRICE


def test_a_result_lost_from_the_storage_is_1127(alice, photo):
    post(alice, image=photo)
    default_storage.delete(KeyedRequest.objects.get().result_name)
    error_of(post(alice, image=photo), 409, 1127)


def test_tidying_keeps_what_is_still_in_time_and_forgets_old_keys(alice, photo):
    post(alice, image=photo)
    now = timezone.now()
    assert idempotency.purge(now + timedelta(hours=23)) == 0
    assert idempotency.purge(now + timedelta(hours=25)) == 1
    idempotency.purge(now + timedelta(days=7))
    assert KeyedRequest.objects.count() == 1
    idempotency.purge(now + timedelta(days=9))
    assert not KeyedRequest.objects.exists()


def test_the_key_of_a_process_that_died_is_free_after_its_lease(alice, photo):
    def claim(request_id):
        return idempotency.claim(alice.user, KEY, "of another picture", request_id)

    dead = claim("first")
    KeyedRequest.objects.update(expires_at=timezone.now())
    response = post(alice, image=photo)
    assert response.status_code == 200
    with pytest.raises(TookTooLong):
        idempotency.KeyedResultStore(dead).remember({}, None)


def test_a_result_after_the_lease_is_not_charged(alice):
    """Another request may claim the key at this moment, and would work and charge once more."""
    row = idempotency.claim(alice.user, KEY, "of this picture", "slow")
    KeyedRequest.objects.update(expires_at=timezone.now())
    with pytest.raises(TookTooLong):
        idempotency.KeyedResultStore(row).remember({}, None)


def test_a_replay_is_delivered_for_a_charge_that_was_never_sent(alice, photo):
    post(alice, image=photo)
    # As if the process had died before the first answer was sent.
    alice.user.credit_account.holds.update(state="settled", delivered_at=None)
    post(alice, image=photo)
    assert alice.user.credit_account.holds.get().state == "delivered"


def test_closing_an_account_deletes_its_results(alice, photo, django_capture_on_commit_callbacks):
    post(alice, image=photo)
    assert len(kept_files()) == 1
    with django_capture_on_commit_callbacks(execute=True):
        close_account(alice.user)
    assert kept_files() == []


def test_without_a_key_nothing_is_kept(alice, photo):
    alice.post(image=photo)
    assert not KeyedRequest.objects.exists()
    assert not default_storage.exists("keyed-results")


def test_a_test_only_key_asks_for_another_thing_than_a_paying_one(alice, photo):
    post(alice, image=photo)
    alice_again = new_caller("alice@example.com", test_only=True)
    error_of(post(alice_again, image=photo), 422, 1128)
