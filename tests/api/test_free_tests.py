"""Free tests are counted by account and hour, however they come."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.services import issue_api_key
from removal import limits
from removal.models import Batch, BatchPicture
from tests import pictures
from tests.api.conftest import Caller, authorization_of
from tests.api.test_removebg import post as post_removebg
from tests.batches.conftest import BATCHES, work_through

PHOTO = pictures.blank(40, 30)


@pytest.fixture(autouse=True)
def two_an_hour(settings):
    settings.REMOVAL_FREE_TESTS_PER_HOUR = 2
    limits.forget_visitors()
    yield
    limits.forget_visitors()


def test_one_more_than_the_hours_tests_is_told_how_long_to_wait(alice):
    assert [alice.post(image=PHOTO, test="true").status_code for _ in range(2)] == [200, 200]
    answer = alice.post(image=PHOTO, test="true")
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == 1015
    assert "this hour's 2 free tests" in answer.json()["error"]["message"]
    assert 3500 < int(answer["Retry-After"]) <= 3600


def test_requests_that_are_paid_for_are_not_limited(alice):
    for _ in range(2):
        alice.post(image=PHOTO, test="true")
    assert [alice.post(image=pictures.portrait()).status_code for _ in range(3)] == [200] * 3


def test_paid_requests_that_find_nothing_and_cost_nothing_are_counted_by_themselves(alice):
    """Else one credit has the engine work for nothing, and before all others, for ever."""
    assert alice.post(image=PHOTO)["X-Credits-Charged"] == "0"
    assert post_removebg(alice, image_file=PHOTO).status_code == 400
    answer = alice.post(image=pictures.portrait())
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, 1015)
    assert "Nothing was found in 2 of this account's pictures" in answer.json()["error"]["message"]
    assert int(answer["Retry-After"]) > 3500
    assert alice.post(image=PHOTO, test="true").status_code == 200
    assert alice.credits == 10


def test_all_keys_of_an_account_count_together_and_others_apart(alice, bob):
    key, secret = issue_api_key(alice.user, test_only=True)
    other = Caller(alice.client, alice.user, key, authorization_of(key, secret))
    assert other.post(image=PHOTO).status_code == 200
    assert alice.post(path="/api/v1/remove-background", image=PHOTO, test="1").status_code == 200
    assert other.post(image=PHOTO).status_code == 429
    assert bob.post(image=PHOTO, test="true").status_code == 200


def test_remove_bgs_clients_hear_it_in_their_words(alice):
    for _ in range(2):
        alice.post(image=PHOTO, test="true")
    answer = post_removebg(alice, image_file=PHOTO, test="true")
    assert answer.status_code == 429
    assert answer.json()["errors"][0]["code"] == "rate_limit_exceeded"
    assert int(answer["Retry-After"]) > 3500


def test_what_is_refused_before_the_work_does_not_count(alice):
    for _ in range(3):
        assert alice.post(image=b"no picture", test="true").status_code == 400
        assert alice.post(image=PHOTO, test="true", max_pixels="1").status_code == 400
    assert alice.post(image=PHOTO, test="true").status_code == 200


def test_a_repetition_under_the_same_key_does_not_count(alice):
    def again():
        return alice.client.post(
            "/api/v2/remove-background",
            {"image": SimpleUploadedFile("photo", PHOTO), "test": "true"},
            HTTP_AUTHORIZATION=alice.authorization,
            HTTP_IDEMPOTENCY_KEY="one",
        )

    assert [again().status_code for _ in range(5)] == [200] * 5
    assert alice.post(image=PHOTO, test="true").status_code == 200
    assert alice.post(image=PHOTO, test="true").status_code == 429
    assert again().status_code == 200


def test_tests_at_the_page_count_too(alice):
    alice.client.force_login(alice.user)

    def at_the_page():
        upload = SimpleUploadedFile("photo.png", PHOTO)
        fields = {"image": upload, "test": "true", "resolution": "full"}
        return alice.client.post("/removals", fields)

    assert [at_the_page().status_code for _ in range(3)] == [200, 200, 429]


def test_a_batchs_pictures_wait_for_their_hour_and_do_not_fail(alice):
    uploads = [SimpleUploadedFile(f"{n}.png", PHOTO) for n in range(3)]
    alice.client.post(
        BATCHES, {"image": uploads, "test": "true"}, HTTP_AUTHORIZATION=alice.authorization
    )
    assert work_through() == 3
    waiting = BatchPicture.objects.get(state=BatchPicture.State.WAITING)
    assert waiting.attempts == 0
    assert waiting.due_at > timezone.now() + timedelta(minutes=50)
    limits.forget_visitors()
    BatchPicture.objects.update(due_at=timezone.now())
    assert work_through() == 1
    assert Batch.objects.get().state == Batch.State.DONE


def test_zero_means_no_limit(alice, settings):
    settings.REMOVAL_FREE_TESTS_PER_HOUR = 0
    assert {alice.post(image=PHOTO, test="true").status_code for _ in range(4)} == {200}


@pytest.mark.parametrize("shared", [False, True], ids=["memory", "redis"])
def test_the_count_is_exact_however_many_come_at_once(settings, redis_url, shared):
    settings.REMOVAL_FREE_TESTS_PER_HOUR = 5
    settings.REDIS_URL = redis_url if shared else ""
    limits._limiter.cache_clear()
    limits.forget_visitors()
    user = SimpleNamespace(pk=7)

    def take(_):
        try:
            limits.take_free_test(user)
        except limits.HourUsedUp:
            return 0
        return 1

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(take, range(64))) == 5
    limits.forget_visitors()
    limits._limiter.cache_clear()
