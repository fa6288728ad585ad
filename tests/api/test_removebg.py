"""/v1.0/: remove.bg's clients work unchanged."""

import base64
import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from django.test import Client

from removal import errors
from removal.api.removebg.parameters import ANYTHING, PARAMETERS, read_options
from removal.api.schema.answers import BATCHES_ALONE
from removal.error_table import TABLE
from removal.outbound import fetch
from tests import pictures
from tests.crowd import full_house
from tests.engine import hostile

from .conftest import new_caller

ADDRESS = "/v1.0/removebg"
DOCS = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
pytestmark = pytest.mark.django_db


def token_of(caller):
    return base64.b64decode(caller.authorization.removeprefix("Basic ")).decode()


def post(caller, path=ADDRESS, headers=None, **fields):
    named = {
        name: io.BytesIO(value) if isinstance(value, bytes) else value
        for name, value in fields.items()
    }
    extra = {"HTTP_X_API_KEY": token_of(caller)} | (headers or {})
    return Client(raise_request_exception=False).post(path, named, **extra)


def refused(response, status, code):
    assert response.status_code == status, response.content[:300]
    (error,) = response.json()["errors"]
    assert set(error) == {"title", "code", "detail"}
    assert error["code"] == code
    assert error["title"]
    assert "X-RateLimit-Reset" in response
    return error


def numbers(response, *names):
    return tuple(int(response[f"X-{name}"]) for name in names)


def test_a_photo_comes_back_with_their_headers(alice, portrait):
    response = post(alice, image_file=portrait, size="auto", crop="", bg_color="", roi="")
    assert response.status_code == 200, response.content[:300]
    assert response["Content-Type"] == "image/png"
    assert response["X-Type"] == "other"
    assert numbers(response, "Width", "Height", "Max-Width", "Max-Height") == (200, 240, 200, 240)
    assert int(response["X-Foreground-Height"]) > 100
    assert response["X-Credits-Charged"] == "0.052"
    assert response["X-RateLimit-Limit"] == response["X-RateLimit-Remaining"] == "8"
    assert pictures.mode_and_size(response.content) == ("RGBA", (200, 240))


def test_json_is_given_to_whom_asks_for_it_alone(alice, portrait):
    answer = post(alice, image_file=portrait, headers={"HTTP_ACCEPT": "application/json"})
    data = answer.json()["data"]
    assert set(data) == {
        "result_b64", "foreground_top", "foreground_left", "foreground_width", "foreground_height",
    }  # fmt: skip
    assert pictures.mode_and_size(base64.b64decode(data["result_b64"]))[1] == (200, 240)
    library = {"HTTP_ACCEPT": "application/json, text/plain, */*"}
    assert post(alice, image_file=portrait, headers=library)["Content-Type"] == "image/png"


def test_base64_and_json_bodies(alice, portrait):
    body = json.dumps({"image_file_b64": base64.b64encode(portrait).decode(), "size": "preview"})
    response = Client().post(
        ADDRESS, body, content_type="application/json", HTTP_X_API_KEY=token_of(alice)
    )
    assert response.status_code == 200


def test_base64_may_come_under_the_name_that_a_client_gives_it(alice, portrait):
    text = base64.b64encode(portrait).decode()
    assert post(alice, image_base64=text, size="preview").status_code == 200


def test_the_account_has_exactly_their_keys(alice):
    response = Client().get("/v1.0/account/", HTTP_X_API_KEY=token_of(alice))
    assert response.json() == {
        "data": {
            "attributes": {
                "credits": {"subscription": 0, "payg": 10, "enterprise": 0, "total": 10},
                "api": {"free_calls": 0, "sizes": "all"},
            }
        }
    }
    assert "X-RateLimit-Limit" in response


def test_the_key_may_come_as_base64(alice):
    encoded = base64.b64encode(token_of(alice).encode()).decode()
    assert Client().get("/v1.0/account", HTTP_X_API_KEY=encoded).status_code == 200


@pytest.mark.parametrize("key", ["", "nonsense", "pxnobody:secret", "!!"])
def test_bad_keys_are_403(db, key):
    refused(Client().post(ADDRESS, HTTP_X_API_KEY=key), 403, "auth_failed")


def test_sizes_limit_the_pixels(alice):
    photo = pictures.portrait(800, 600)
    small = post(alice, image_file=photo, size="preview", channels="alpha", test="1")
    assert numbers(small, "Width", "Height", "Max-Width", "Max-Height") == (577, 433, 800, 600)
    assert pictures.mode_and_size(small.content)[0] == "L"


def test_crop_with_margins_of_the_subjects_own_sides(alice, portrait):
    response = post(alice, image_file=portrait, crop="true", crop_margin="10% 5px")
    top, left, width, height = numbers(
        response, *(f"Foreground-{side}" for side in ("Top", "Left", "Width", "Height"))
    )
    assert left == 5
    assert top == int(height / 10 + 0.5)
    assert numbers(response, "Width", "Height") == (width + 10, height + 2 * top)


def test_four_crop_margins_go_clockwise_from_the_top():
    options = read_options({"crop": "true", "crop_margin": "1px 2px 3px 4px"})
    margin = options.margin
    sides = (margin.top, margin.right, margin.bottom, margin.left)
    assert [side.value for side in sides] == [1, 2, 3, 4]


def test_a_crop_margin_without_crop_is_ignored(alice, portrait):
    response = post(alice, image_file=portrait, crop_margin="10px", test="1")
    assert numbers(response, "Width", "Height") == (200, 240)


@pytest.mark.parametrize("colour", ["0f0", "#00ff00", "00FF00FF", "lime"])
def test_an_opaque_background_colour(alice, portrait, colour):
    response = post(alice, image_file=portrait, bg_color=colour, format="png")
    assert pictures.mode_and_size(response.content)[0] == "RGB"
    assert pictures.pixels(response.content)[0, 0].tolist() == [0, 255, 0]


def test_a_transparent_background_colour(alice, portrait):
    response = post(alice, image_file=portrait, bg_color="00ff0080")
    assert response["Content-Type"] == "image/png"
    assert pictures.pixels(response.content)[0, 0].tolist() == [0, 255, 0, 128]


def test_a_background_image_covers_the_result(alice, portrait):
    background = pictures.blank(30, 10, (10, 20, 30))
    response = post(alice, image_file=portrait, bg_image_file=background, format="png")
    assert pictures.pixels(response.content)[0, 0].tolist() == [10, 20, 30]
    assert pictures.pixels(response.content)[0, 199].tolist() == [10, 20, 30]


def test_a_background_by_url(alice, portrait, monkeypatch):
    asked = []

    def arrived(url, limits, cancelled):
        asked.append(url)
        return pictures.blank(8, 8, (1, 2, 3))

    monkeypatch.setattr("removal.outbound.fetch.fetch", arrived)
    url = "https://example.com/sky.png"
    response = post(alice, image_file=portrait, bg_image_url=url, format="png")
    assert asked == [url]
    assert pictures.pixels(response.content)[0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("fields", "shadow", "opacity"),
    [
        ({"add_shadow": "true"}, "contact", None),
        ({"add_shadow": "false"}, "none", None),
        ({"add_shadow": "true", "shadow_type": "drop", "shadow_opacity": "20"}, "drop", 20),
        ({"add_shadow": "true", "shadow_type": "none"}, "none", None),
        ({"shadow_type": "3D"}, "contact", None),
        ({"shadow_type": "natural"}, "natural", None),
    ],
)
def test_shadows_have_remove_bg_s_names(fields, shadow, opacity):
    options = read_options(fields)
    assert (options.shadow, options.shadow_opacity) == (shadow, opacity)


def test_a_shadow_is_laid_and_told(alice, portrait):
    plain = post(alice, image_file=portrait, test="1")
    shaded = post(alice, image_file=portrait, add_shadow="true", test="1")
    assert shaded["X-Result-Shadow"] == "contact"
    assert "X-Result-Shadow" not in plain
    assert "X-Result-Shadow" in shaded["Access-Control-Expose-Headers"]


def test_outside_the_region_nothing_is_foreground(alice, portrait):
    response = post(alice, image_file=portrait, roi="0 0 100% 50%", channels="alpha")
    alpha = pictures.pixels(response.content)
    assert alpha[:120].any()
    assert not alpha[120:].any()


def test_scale_and_position_move_the_subject(alice, portrait):
    response = post(alice, image_file=portrait, scale="50%", position="0% 100%")
    top, left, width, height = numbers(
        response, *(f"Foreground-{side}" for side in ("Top", "Left", "Width", "Height"))
    )
    assert numbers(response, "Width", "Height") == (200, 240)
    assert width == 100 or height == 120
    assert (left, top + height) == (0, 240)


def test_zip_holds_their_two_files(alice, portrait):
    response = post(alice, image_file=portrait, format="zip")
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert sorted(archive.namelist()) == ["alpha.png", "color.jpg"]


def test_nothing_found_is_an_error_and_free(alice):
    refused(post(alice, image_file=pictures.blank()), 400, "unknown_foreground")
    assert alice.credits == 10


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", "huge"), ("format", "gif"), ("channels", "rgb"), ("crop", "maybe"),
        ("crop_margin", "60%"), ("crop_margin", "501px"), ("crop_margin", "1px 2px 3px"),
        ("bg_color", "12345"), ("bg_color", "1234567"), ("bg_color", "greenish"),
        ("roi", "0 0 10"), ("roi", "-1 0 5px 5px"), ("scale", "9%"), ("scale", "101%"),
        ("position", "left"), ("position", "101%"), ("position", "1% 2% 3%"),
        ("semitransparency", "perhaps"), ("test", "maybe"), ("add_shadow", "maybe"),
        ("shadow_type", "long"), ("shadow_opacity", "101"), ("shadow_opacity", "-1"),
    ],
)  # fmt: skip
def test_each_parameter_has_its_code(alice, portrait, name, value):
    error = refused(post(alice, image_file=portrait, **{name: value}), 400, f"invalid_{name}")
    assert value in error["title"]
    assert "Allowed: " in error["detail"]
    assert alice.credits == 10


def test_regions_beyond_the_picture_or_empty(alice, portrait):
    beyond = post(alice, image_file=portrait, roi="0 0 201px 10px")
    assert "200 x 240" in refused(beyond, 400, "roi_exceeds_bounds")["detail"]
    refused(post(alice, image_file=portrait, roi="5px 5px 5px 9px"), 400, "roi_region_empty")


def test_sources_must_be_one(alice, portrait):
    refused(post(alice), 400, "missing_source")
    url = "https://example.com/a.jpg"
    refused(post(alice, image_file=portrait, image_url=url), 400, "multiple_sources")
    refused(post(alice, image_file="a.jpg"), 400, "invalid_file_type")
    both = post(alice, image_file=portrait, bg_color="fff", bg_image_url=url)
    refused(both, 400, "multiple_bg_sources")


def test_pictures_that_are_none(alice, portrait):
    refused(post(alice, image_file=b"no picture"), 400, "failed_to_read_image")
    refused(post(alice, image_file_b64="a*b"), 400, "failed_to_read_image")
    refused(post(alice, image_file=portrait, bg_image_file=b"none"), 400, "failed_bg_download")
    refused(post(alice, image_file=hostile.png(32_001, 1_000)), 400, "resolution_too_high")
    refused(post(alice, image_file=b"\0" * (31 << 20)), 400, "file_too_large")


@pytest.mark.parametrize(
    ("error", "ours", "background"),
    [
        (fetch.AddressRefused, "invalid_image_url", "invalid_bg_image_url"),
        (fetch.FetchTooSlow, "failed_image_download", "failed_bg_download"),
    ],
)
def test_urls_that_lead_nowhere(alice, portrait, monkeypatch, error, ours, background):
    def fail(url, limits, cancelled):
        raise error("No.")

    monkeypatch.setattr("removal.outbound.fetch.fetch", fail)
    url = "https://example.com/a.jpg"
    refused(post(alice, image_url=url), 400, ours)
    refused(post(alice, image_file=portrait, bg_image_url=url), 400, background)


def test_money_and_room(bob, alice, portrait):
    refused(post(bob, image_file=portrait), 402, "insufficient_credits")
    assert post(bob, ADDRESS + "?test=1", image_file=portrait).status_code == 200
    with full_house():
        response = post(alice, image_file=portrait)
    refused(response, 429, "rate_limit_exceeded")
    assert response["Retry-After"]


def test_paths_methods_and_bodies_are_refused_in_the_same_shape(alice):
    refused(Client().get("/v1.0/nothing"), 404, "not_found")
    key = {"HTTP_X_API_KEY": token_of(alice)}
    wrong = Client().get(ADDRESS, **key)
    refused(wrong, 405, "method_not_allowed")
    assert "POST" in wrong["Allow"]
    raw = Client().post(ADDRESS, b"\xff", content_type="image/jpeg", **key)
    refused(raw, 400, "invalid_file_type")


def test_refusals_before_any_view_are_in_their_words(settings):
    settings.REQUIRE_HTTPS = True
    refused(Client().post(ADDRESS), 403, "https_required")


def test_test_in_the_query_is_checked_under_its_name(alice, portrait):
    refused(post(alice, ADDRESS + "?test=maybe", image_file=portrait), 400, "invalid_test")


def test_a_preflight_needs_no_key(db):
    assert Client().options(ADDRESS).status_code == 204


def test_a_repeated_request_is_not_charged_again(portrait, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    carol = new_caller("carol@example.com", "0.052")
    key = {"HTTP_IDEMPOTENCY_KEY": "one"}
    first = post(carol, image_file=portrait, headers=key)
    again = post(carol, image_file=portrait, headers=key)
    assert again["Idempotency-Replayed"] == "true"
    assert again.content == first.content
    other = post(carol, image_file=portrait, bg_image_file=pictures.blank(), headers=key)
    refused(other, 422, "idempotency_key_reused")


def every_error(error=errors.RemovalError):
    for child in error.__subclasses__():
        yield child
        yield from every_error(child)


def name_of_kind(error) -> str:
    return error.removebg or TABLE[error.code].removebg


def test_every_error_has_their_name():
    general = {"InvalidParameter", "WrongImageCount", "Refusal", "DeltaWouldShrink"}
    possible = [error for error in every_error() if error.code not in BATCHES_ALONE]
    unnamed = {error.__name__ for error in possible if not name_of_kind(error)}
    assert unnamed <= general


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.name)
def test_every_parameter_is_documented(parameter):
    assert re.search(rf"^\| `{parameter.name}` \|", DOCS, re.MULTILINE)
    is_ever_refused = parameter.pattern != ANYTHING
    assert (f"`invalid_{parameter.name}`" in DOCS) == is_ever_refused
