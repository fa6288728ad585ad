"""What callers keep with us, with the pictures in a bucket; and storages that fail."""

import io
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.services import close_account
from pixian_site import maintenance
from removal import idempotency, limits
from removal.models import KeptPicture, KeyedRequest
from removal.page import kept
from tests import pictures
from tests.api.conftest import new_caller
from tests.api.test_errors import error_of

pytestmark = pytest.mark.django_db(transaction=True)
KEY = {"HTTP_IDEMPOTENCY_KEY": "order 66"}


@pytest.fixture(autouse=True)
def _nobody_has_been_here():
    limits.forget_visitors()


@pytest.fixture
def alice():
    return new_caller("alice@example.com", "10")


@pytest.fixture(params=["full", "away"])
def failing(request, settings, tmp_path):
    """A storage that is full, or a bucket that cannot be reached."""
    if request.param == "full":
        backend = {"BACKEND": "tests.storage.full.FullFolder", "OPTIONS": {"location": tmp_path}}
    else:
        backend = request.getfixturevalue("s3").options(endpoint_url="http://127.0.0.1:9")
    settings.STORAGES = settings.STORAGES | {"default": backend}


def visitor():
    client = Client()
    client.get("/")
    return client


def send(client, picture):
    photo = io.BytesIO(pictures.portrait())
    photo.name = "me.jpg"
    return client.post("/removals", {"image": photo, "picture": picture, "output.format": "png"})


def test_a_repeated_request_gets_the_first_ones_bytes_and_is_charged_once(on_s3, alice):
    alice.client.defaults |= KEY
    first, again = (alice.post(image=pictures.portrait()) for _ in range(2))
    assert again.content == first.content
    assert again["Idempotency-Replayed"] == "true"
    assert alice.credits == 10 - Decimal("0.052")
    row = KeyedRequest.objects.get()
    assert on_s3.files() == [f"of-this-site/{row.result_name}"]


def test_results_past_their_time_leave_the_bucket(on_s3, alice):
    alice.client.defaults |= KEY
    alice.post(image=pictures.portrait())
    KeyedRequest.objects.update(expires_at=timezone.now())
    maintenance.purge()
    assert on_s3.files() == []


def test_a_closed_account_takes_its_files_along(on_s3, alice):
    alice.client.defaults |= KEY
    alice.post(image=pictures.portrait())
    close_account(alice.user)
    assert on_s3.files() == []


def test_the_pages_pictures_are_kept_and_deleted(on_s3):
    client, picture = visitor(), uuid4().hex
    first = send(client, picture)
    assert client.get(f"/removals/{picture}/result").getvalue() == first.content
    assert client.get(f"/removals/{picture}/original").getvalue() == pictures.portrait()
    assert len(on_s3.files()) == 2
    client.delete(f"/removals/{picture}")
    assert on_s3.files() == []


def test_the_pages_pictures_leave_the_bucket_when_their_time_is_over(on_s3):
    send(visitor(), uuid4().hex)
    KeptPicture.objects.update(expires_at=timezone.now())
    call_command("purge_kept_pictures")
    assert on_s3.files() == []


def test_originals_can_be_fetched_from_the_bucket_itself(on_s3, settings):
    settings.S3_SIGNED_ORIGIN = on_s3.endpoint
    client, picture = visitor(), uuid4().hex
    send(client, picture)
    answer = client.get(f"/removals/{picture}/original")
    assert answer.status_code == 302
    assert answer["Location"].startswith(on_s3.endpoint)
    assert "no-store" in answer["Cache-Control"]
    assert visitor().get(f"/removals/{picture}/original").status_code == 404


@pytest.mark.parametrize("folder", [kept.FOLDER, KeyedRequest.FOLDER])
def test_files_that_lost_their_row_are_swept_when_no_request_can_own_them(on_s3, folder):
    on_s3.client.put_object(Bucket="pictures", Key=f"of-this-site/{folder}/lost-original", Body=b"")
    on_s3.client.put_object(Bucket="pictures", Key="of-somebody-else/photo", Body=b"")
    maintenance.sweep()
    assert len(on_s3.files()) == 2
    later = timezone.now() + timedelta(minutes=11)
    kept.sweep(later)
    idempotency.sweep(later)
    assert on_s3.files() == ["of-somebody-else/photo"]


def test_sweeping_leaves_what_has_an_owner(on_s3, alice):
    alice.client.defaults |= KEY
    alice.post(image=pictures.portrait())
    send(visitor(), uuid4().hex)
    later = timezone.now() + timedelta(minutes=11)
    assert (kept.sweep(later), idempotency.sweep(later)) == (0, 0)


def test_a_failing_storage_is_1200_and_free(failing, alice):
    alice.client.defaults |= KEY
    answer = alice.post(image=pictures.portrait())
    error_of(answer, 503, 1200)
    assert answer["Retry-After"] == "5"
    assert alice.credits == 10
    assert not KeyedRequest.objects.exists()  # the key is free for another try
    assert list(alice.user.credit_account.holds.values_list("state", flat=True)) == ["released"]


def test_requests_that_keep_nothing_do_without_the_storage(failing, alice):
    assert alice.post(image=pictures.portrait()).status_code == 200


def test_a_failing_storage_is_told_on_the_page(failing):
    answer = send(visitor(), uuid4().hex)
    assert answer.status_code == 503
    assert not KeptPicture.objects.exists()


def test_a_storage_that_fails_is_told_to_the_operator_by_its_traceback(
    settings, tmp_path, s3, alice, caplog
):
    settings.MEDIA_ROOT = tmp_path
    browser = visitor()
    send(browser, picture := uuid4().hex)
    away = s3.options(endpoint_url="http://127.0.0.1:9")
    settings.STORAGES = settings.STORAGES | {"default": away}

    alice.client.defaults |= KEY
    error_of(alice.post(image=pictures.portrait()), 503, 1200)
    assert "Traceback" in caplog.text
    caplog.clear()
    error_of(browser.get(f"/removals/{picture}/original"), 503, 1200)
    assert "Could not fetch page-pictures/" in caplog.text
    assert "EndpointConnectionError" in caplog.text
    assert "Traceback" in caplog.text
