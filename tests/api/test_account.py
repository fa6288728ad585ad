"""GET /api/v2/account: what is left to spend, for programs."""

from datetime import date

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client

from billing.models import Account
from pixian_site.middleware import HeadMiddleware

ADDRESS = "/api/v2/account"
pytestmark = pytest.mark.django_db


def get(caller, path=ADDRESS):
    return caller.client.get(path, HTTP_AUTHORIZATION=caller.authorization)


def test_a_new_account_is_active_and_empty(bob):
    response = get(bob)
    assert response["Content-Type"] == "application/json"
    assert "no-store" in response["Cache-Control"]
    assert response.json() == {
        "creditPack": None,
        "state": "active",
        "useBefore": None,
        "credits": 0,
    }


def test_credits_are_a_number_and_count_what_is_spent(alice, portrait):
    alice.post(image=portrait)
    assert get(alice, ADDRESS + "/").json()["credits"] == 9.948
    assert b'"credits": 9.948' in get(alice).content


def test_credits_past_their_use_before_date_are_dormant(alice):
    account = Account.objects.filter(user=alice.user)
    account.update(use_before=date(2020, 2, 29), pack_name="Hundred")
    assert get(alice).json() == {
        "creditPack": "Hundred",
        "state": "dormant",
        "useBefore": "2020-02-29",
        "credits": 10,
    }


def test_it_needs_a_key(db):
    response = Client().get(ADDRESS)
    assert response.status_code == 401
    assert response.json()["error"]["code"] == 1001


def test_it_is_read_only(alice):
    response = alice.post(ADDRESS)
    assert response.status_code == 405
    assert response.json()["error"]["code"] == 1125
    assert response["Allow"] == "GET, HEAD, OPTIONS"


def test_head_answers_like_get_without_a_body(alice):
    response = alice.client.head(ADDRESS, HTTP_AUTHORIZATION=alice.authorization)
    assert response.status_code == 200
    assert response.content == b""


@pytest.mark.parametrize(
    ("answer", "length"),
    [(HttpResponse(b"body"), "4"), (StreamingHttpResponse([b"body"]), None)],
    ids=["whole", "streamed"],
)
def test_no_body_follows_the_headers_of_head(rf, answer, length):
    """The test client would drop it anyhow; the server would send it."""
    response = HeadMiddleware(lambda request: answer)(rf.head(ADDRESS))
    assert b"".join(response) == b""
    assert response.get("Content-Length") == length
