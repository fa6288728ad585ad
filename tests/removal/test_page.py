"""The page's own requests: who may send them, how many, and how a refusal reads."""

import json
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from removal import limits
from removal.models import Removal

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def plain_static_names(settings: Settings) -> None:
    """Nothing is collected here; the browser's tests look at the hashed names."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


@pytest.fixture(autouse=True)
def no_visitors_yet() -> None:
    limits.forget_visitors()


def send(client: Client, content: bytes = b"no picture", **extra: str) -> HttpResponse:
    upload = SimpleUploadedFile("photo.jpg", content, "image/jpeg")
    return client.post("/removals", {"image": upload}, **extra)  # type: ignore[return-value]


def error_of(response: HttpResponse) -> dict[str, object]:
    return dict(json.loads(response.content)["error"])


def test_front_page_speaks_the_visitors_language(client: Client) -> None:
    assert "Keep every edge." in client.get("/").content.decode()
    japanese = client.get("/", headers={"accept-language": "ja"}, follow=True).content.decode()
    assert '<html lang="ja">' in japanese
    assert "Keep every edge." not in japanese


def test_foreign_site_cannot_send_pictures_in_a_visitors_name() -> None:
    assert send(Client(enforce_csrf_checks=True)).status_code == 403


def test_put_is_not_allowed(client: Client) -> None:
    assert client.put("/removals").status_code == 405


def test_request_without_a_picture_is_refused(client: Client) -> None:
    response = client.post("/removals")
    assert response.status_code == 400
    assert error_of(response)["code"] == 1005


def test_unreadable_picture_is_refused_in_the_visitors_language(client: Client) -> None:
    error = error_of(send(client, headers={"accept-language": "ja"}))
    assert (error["status"], error["code"]) == (400, 1006)
    assert "画像を読み取れませんでした" in str(error["message"])


def test_picture_above_the_byte_limit_is_refused(client: Client, settings: Settings) -> None:
    settings.REMOVAL_MAX_UPLOAD_BYTES = 10
    response = send(client, b"eleven byte")
    assert (response.status_code, error_of(response)["code"]) == (413, 1012)


def test_address_gets_so_many_pictures_an_hour(client: Client, settings: Settings) -> None:
    settings.REMOVAL_ANONYMOUS_PER_HOUR = 2
    assert [send(client).status_code for _ in range(3)] == [400, 400, 429]


def test_refusal_for_the_hour_names_limit_and_wait(client: Client, settings: Settings) -> None:
    settings.REMOVAL_ANONYMOUS_PER_HOUR = 1
    send(client)
    response = send(client)
    assert 3590 <= int(response["Retry-After"]) <= 3600
    assert error_of(response)["message"] == (
        "You have used up this hour's 1 free pictures. Come back in 60 min."
    )


def test_another_address_has_an_hour_of_its_own(client: Client, settings: Settings) -> None:
    settings.REMOVAL_ANONYMOUS_PER_HOUR = 1
    send(client, REMOTE_ADDR="192.0.2.1")
    assert send(client, REMOTE_ADDR="192.0.2.1").status_code == 429
    assert send(client, REMOTE_ADDR="192.0.2.2").status_code == 400


def test_addresses_of_one_ipv6_subscriber_share_the_hour(
    client: Client, settings: Settings
) -> None:
    settings.REMOVAL_ANONYMOUS_PER_HOUR = 1
    send(client, REMOTE_ADDR="2001:db8:0:1::1")
    assert send(client, REMOTE_ADDR="2001:db8:0:1:ffff::2").status_code == 429
    assert send(client, REMOTE_ADDR="2001:db8:0:2::1").status_code == 400


def test_page_is_told_what_is_left_of_the_hour_and_an_account_has_its_own(
    client: Client, settings: Settings
) -> None:
    settings.REMOVAL_ANONYMOUS_PER_HOUR, settings.REMOVAL_SIGNED_IN_PER_HOUR = 2, 3

    def left() -> dict[str, int]:
        told = dict(client.get("/removals/allowance").json())
        assert told.pop("signedIn") is ("_auth_user_id" in client.session)
        return told

    assert left() == {"limit": 2, "left": 2, "wait": 0}
    send(client)
    assert left() == {"limit": 2, "left": 1, "wait": 0}
    send(client)
    told = left()
    assert (told["limit"], told["left"]) == (2, 0)
    assert 3590 <= told["wait"] <= 3600
    client.force_login(User.objects.create_user("member@example.com"))
    assert left() == {"limit": 3, "left": 3, "wait": 0}
    assert [send(client).status_code for _ in range(4)] == [400, 400, 400, 429]
    client.logout()
    assert left()["left"] == 0


def test_site_without_free_pictures_says_so(client: Client, settings: Settings) -> None:
    settings.REMOVAL_ANONYMOUS_PER_HOUR = 0
    refused = send(client)
    assert refused.status_code == 429
    assert "There are no free pictures here." in refused.content.decode()
    assert client.get("/removals/allowance").json()["left"] == 0


def test_signing_in_is_not_said_to_give_no_pictures(client: Client, settings: Settings) -> None:
    assert "Sign in for 60 free pictures" in client.get("/").content.decode()
    settings.REMOVAL_SIGNED_IN_PER_HOUR = 0
    assert "Sign in for 0" not in client.get("/").content.decode()


def test_row_of_a_page_request_names_nobody(client: Client) -> None:
    send(client)
    row = Removal.objects.get()
    assert (row.via, row.user, row.api_key, row.credits_charged) == ("page", None, None, 0)
