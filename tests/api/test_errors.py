"""Each refusal of the endpoint: its status, its code, a sentence that says what is allowed."""

import base64
import io
import json
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.test import Client

from billing import ledger
from removal import engine
from removal.execution import inline
from removal.models import Removal
from tests import pictures
from tests.crowd import full_house
from tests.engine import hostile

from .conftest import ENDPOINT, new_caller

pytestmark = pytest.mark.django_db


def error_of(response, status, code):
    assert response.status_code == status, response.content[:300]
    assert response["Content-Type"] == "application/json"
    error = response.json()["error"]
    assert set(error) == {"status", "code", "message"}
    assert (error["status"], error["code"]) == (status, code)
    assert error["message"].endswith(".")
    return error["message"]


def test_without_credentials_401_with_a_challenge():
    response = Client().post(ENDPOINT)
    error_of(response, 401, 1001)
    assert response["WWW-Authenticate"].startswith("Basic ")


def test_a_wrong_secret_is_1004(alice, portrait):
    pair = base64.b64encode(f"{alice.key.public_id}:wrong".encode()).decode()
    alice.authorization = f"Basic {pair}"
    error_of(alice.post(image=portrait), 401, 1004)


def test_no_credits_is_402_before_any_imaging_work(bob, portrait, monkeypatch):
    monkeypatch.setattr(engine, "inspect", lambda data: pytest.fail("imaging work was done"))
    error_of(bob.post(image=portrait), 402, 1008)


def test_too_few_credits_names_need_and_balance(portrait):
    carol = new_caller("carol@example.com", "0.051")
    message = error_of(carol.post(image=portrait), 402, 1011)
    assert "0.052" in message
    assert "0.051" in message


def test_no_image_and_two_images_are_1005(alice, portrait):
    assert "exactly one" in error_of(alice.post(), 400, 1005)
    text = base64.b64encode(portrait).decode()
    error_of(alice.post(image=portrait, image__base64=text), 400, 1005)
    error_of(alice.post(image__base64=text, image__url="https://example.com/a.jpg"), 400, 1005)


def test_two_image_files_are_1005(alice, portrait):
    both = {"image": [io.BytesIO(portrait), io.BytesIO(portrait)]}
    response = alice.client.post(ENDPOINT, both, HTTP_AUTHORIZATION=alice.authorization)
    error_of(response, 400, 1005)


def test_image_as_text_is_1016(alice):
    assert "file part" in error_of(alice.post(image="photo.jpg"), 400, 1016)


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<!doctype html><p>photo",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"%PDF-1.7\n",
        b"\x00" * 100,
        b"",
    ],
    ids=["svg", "html", "eps", "pdf", "zeros", "empty"],
)
def test_what_is_no_picture_is_1006(alice, content):
    named = io.BytesIO(content)
    named.name = "photo.jpg"
    response = alice.client.post(ENDPOINT, {"image": named}, HTTP_AUTHORIZATION=alice.authorization)
    error_of(response, 400, 1006)


def test_a_truncated_picture_is_1006_and_free(alice, portrait):
    error_of(alice.post(image=portrait[: len(portrait) // 2]), 400, 1006)
    assert alice.credits == Decimal(10)


def test_too_many_bytes_are_1012(alice):
    content = pictures.portrait() + b"\0" * (31 * 1024 * 1024)
    assert "31,457,280" in error_of(alice.post(image=content), 413, 1012)


def test_too_many_pixels_are_1013_and_the_limit_is_exact(alice):
    message = error_of(alice.post(image=hostile.png(32_000_001, 1)), 413, 1013)
    assert "32,000,001" in message
    assert "32,000,000" in message


def test_a_bomb_is_refused_by_its_header(alice):
    error_of(alice.post(image=hostile.png(60_000, 50_000)), 413, 1013)


def test_a_raw_body_is_415(alice, portrait):
    assert "multipart" in error_of(alice.send(portrait, "image/jpeg"), 415, 1123)


def test_malformed_bodies_are_1120(alice):
    error_of(alice.send("{", "application/json"), 400, 1120)
    error_of(alice.send("[1]", "application/json"), 400, 1120)
    error_of(alice.send('{"image.base64": {"a": 1}}', "application/json"), 400, 1120)
    error_of(alice.send(b"--x\r\nbroken", "multipart/form-data"), 400, 1120)


def test_base64_that_is_none_is_1121_and_too_much_is_1122(alice):
    error_of(alice.post(image__base64="ab*d"), 400, 1121)
    message = error_of(alice.post(image__base64="A" * 1_048_577), 413, 1122)
    assert "1,048,577" in message


def test_a_megabyte_of_base64_survives_url_encoding(alice):
    body = urlencode({"image.base64": "+" * 1_048_576})
    error_of(alice.send(body, "application/x-www-form-urlencoded"), 400, 1006)


@pytest.mark.parametrize(
    ("parameter", "value", "code"),
    [
        ("test", "maybe", 1101),
        ("max_pixels", "99", 1102),
        ("background.color", "white", 1103),
        ("result.crop_to_foreground", "2", 1104),
        ("result.margin", "10", 1105),
        ("result.target_size", "100x100", 1106),
        ("result.vertical_alignment", "center", 1107),
        ("output.format", "gif", 1108),
        ("output.jpeg_quality", "0", 1109),
    ],
)
def test_each_parameter_has_its_code(alice, portrait, parameter, value, code):
    message = error_of(alice.post(image=portrait, **{parameter: value}), 400, code)
    assert parameter in message
    assert value in message
    assert alice.credits == Decimal(10)


def test_parameters_that_a_format_ignores_are_still_validated(alice, portrait):
    response = alice.post(image=portrait, output__format="delta_png", result__margin="wide")
    error_of(response, 400, 1105)


def test_a_delta_that_would_shrink_is_1110(alice, portrait):
    response = alice.post(image=portrait, output__format="delta_png", max_pixels="1000")
    assert "48,000" in error_of(response, 400, 1110)


def test_a_result_over_the_limits_is_1111(alice, portrait):
    response = alice.post(image=portrait, result__target_size="10000 5001")
    error_of(response, 400, 1111)


def test_unknown_paths_and_methods_are_json_too(alice):
    error_of(Client().get("/api/v2/nothing"), 404, 1124)
    response = alice.client.get(ENDPOINT, HTTP_AUTHORIZATION=alice.authorization)
    error_of(response, 405, 1125)
    assert "POST" in response["Allow"]


def test_full_is_429_with_retry_after_and_free(alice, portrait):
    with full_house():
        response = alice.post(image=portrait)
    error_of(response, 429, 1015)
    assert int(response["Retry-After"]) >= 1
    assert alice.credits == Decimal(10)


def test_an_engine_failure_releases_the_hold(alice, portrait, monkeypatch):
    def broken(job):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(inline, "run", broken)
    response = alice.post(image=portrait)
    message = error_of(response, 500, 1500)
    assert response["X-Request-Id"] in message
    assert "out of luck" not in message
    assert alice.credits == Decimal(10)
    assert Removal.objects.get().error_code == 1500


def test_a_late_result_is_not_given_and_not_charged(alice, portrait, settings):
    settings.REMOVAL_DEADLINE_SECONDS = 0
    response = alice.post(image=portrait)
    error_of(response, 503, 1201)
    assert response["Retry-After"]
    assert alice.credits == Decimal(10)


def test_a_hold_released_meanwhile_gives_no_result(alice, portrait, monkeypatch):
    real = inline.run

    def slow(job):
        result = real(job)
        for hold in alice.user.credit_account.holds.all():
            ledger.release(hold)
        return result

    monkeypatch.setattr(inline, "run", slow)
    error_of(alice.post(image=portrait), 503, 1201)
    assert alice.credits == Decimal(10)


def test_a_test_only_key_is_never_charged(portrait):
    dora = new_caller("dora@example.com", "5", test_only=True)
    response = dora.post(image=portrait, test="false")
    assert response["X-Credits-Charged"] == "0"
    assert "X-Credits-Calculated" in response
    assert dora.credits == Decimal(5)


def test_plain_http_is_refused_never_redirected(alice, portrait, settings):
    settings.REQUIRE_HTTPS = True
    error_of(alice.post(image=portrait), 403, 1129)


def test_failures_leave_rows_with_code_and_sentence(alice, portrait):
    response = alice.post(image=portrait, result__margin="wide")
    row = Removal.objects.get(request_id=response["X-Request-Id"])
    assert (row.status, row.error_code) == (400, 1105)
    assert "result.margin" in row.error_message


def test_a_host_name_that_is_not_served_is_said_to_be_one():
    response = Client().post(ENDPOINT, headers={"host": "cutout.example.com"})
    assert "ALLOWED_HOSTS" in error_of(response, 400, 1120)


@pytest.mark.parametrize("name", ["\0", "\ud800"])
def test_what_no_database_takes_is_noted_all_the_same(alice, name):
    answer = alice.send(json.dumps({name: {}}), "application/json")
    assert answer.status_code == 400
    assert Removal.objects.get().error_message.startswith("\ufffd: the JSON body is flat")
