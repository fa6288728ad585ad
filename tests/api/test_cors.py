"""Scripts of any site may call the API and read its answers; cookies never play a part."""

import pytest
from django.test import Client

from .conftest import ENDPOINT

ORIGIN = {"HTTP_ORIGIN": "https://elsewhere.example"}
pytestmark = pytest.mark.django_db


def words(header: str) -> set[str]:
    return {word.strip() for word in header.split(",")}


@pytest.mark.parametrize("path", [ENDPOINT, "/api/v1/remove-background", "/api/v2/account"])
def test_a_preflight_needs_no_key(path):
    response = Client().options(
        path, HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST", HTTP_ORIGIN="https://elsewhere.example"
    )
    assert (response.status_code, response.content) == (204, b"")
    assert response["Access-Control-Allow-Origin"] == "*"
    asked = {"Authorization", "X-Api-Key", "Content-Type", "Idempotency-Key"}
    asked |= {"Cache-Control", "X-Requested-With"}
    assert words(response["Access-Control-Allow-Headers"]) == asked
    assert "Access-Control-Allow-Credentials" not in response


def test_a_preflight_names_the_methods_of_its_path():
    response = Client().options("/api/v2/account", **ORIGIN)
    assert words(response["Access-Control-Allow-Methods"]) == {"GET", "HEAD", "OPTIONS"}


def test_an_answer_can_be_read_with_its_headers(alice, portrait):
    response = alice.client.post(
        ENDPOINT,
        {"image": portrait.decode("latin-1")},
        HTTP_AUTHORIZATION=alice.authorization,
        **ORIGIN,
    )
    assert response.status_code == 400
    assert response["Access-Control-Allow-Origin"] == "*"
    exposed = words(response["Access-Control-Expose-Headers"])
    assert {"X-Credits-Charged", "X-Result-Foreground", "X-Request-Id", "Retry-After"} <= exposed


def test_refusals_before_any_view_can_be_read_too(settings):
    assert Client().get("/api/nothing")["Access-Control-Allow-Origin"] == "*"
    settings.REQUIRE_HTTPS = True
    refused = Client().post(ENDPOINT)
    assert refused.json()["error"]["code"] == 1129
    assert refused["Access-Control-Allow-Origin"] == "*"


def test_answers_know_neither_cookies_nor_languages(alice):
    client = Client()
    client.force_login(alice.user)
    response = client.get("/api/v2/account", HTTP_ACCEPT_LANGUAGE="ja")
    assert response.status_code == 401  # a session opens nothing here
    assert not response.cookies
    assert response.get("Vary", "Accept-Encoding") == "Accept-Encoding"
    for header in ("Content-Language", "Content-Security-Policy", "X-Frame-Options"):
        assert header not in response


@pytest.mark.parametrize("path", ["/api/v2/nothing", "/v1.0/nothing"])
def test_unknown_paths_ask_for_no_token_of_a_form(path):
    assert Client(enforce_csrf_checks=True).post(path).status_code == 404


def test_pages_keep_their_own_headers():
    response = Client().get("/")
    assert "Access-Control-Allow-Origin" not in response
    assert "Content-Security-Policy" in response
