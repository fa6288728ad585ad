"""What callers rely on, over real sockets, however the service is put together."""

import base64
import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import numpy as np
import pytest

from removal.engine.writing import delta_png
from tests import pictures
from tests.person import V2, Person

PRICE = 0.052  # of the small portrait
PHOTO = pictures.portrait()


def test_it_is_ready(service):
    status, _, body = service.server.ask("GET", "/readyz")
    state = json.loads(body)
    assert (status, state["ready"], state["reasons"]) == (200, True, [])
    assert (state["model"], state["device"], state["places"]) == ("u2netp-fp32", "cpu", 2)


def test_a_picture_is_cut_out_and_charged(alice):
    before = alice.credits
    answer = alice.post(image=PHOTO)
    assert answer.status == 200, answer.content
    alpha = pictures.pixels(answer.content)[..., 3]
    assert 0.2 < (alpha > 128).mean() < 0.9
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Credits-Charged"] == str(PRICE)
    assert answer.headers["X-Input-Size"] == answer.headers["X-Result-Size"] == "200 240"
    assert alice.credits == pytest.approx(before - PRICE)
    assert float(answer.headers["X-Credits-Remaining"]) == alice.credits


def test_a_test_is_free_and_marked(bob):
    answer = bob.post(V2 + "?test=true", image=PHOTO)
    assert answer.status == 200, answer.content
    assert answer.headers["X-Credits-Charged"] == "0"
    assert answer.headers["X-Credits-Calculated"] == str(PRICE)


def test_options_shape_the_result(alice):
    answer = alice.post(
        image=PHOTO, result__crop_to_foreground="true", result__target_size="120 90",
        result__margin="5px", background__color="#0000FF",
    )  # fmt: skip
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert pictures.mode_and_size(answer.content) == ("RGB", (120, 90))
    assert np.abs(pictures.pixels(answer.content)[1, 1].astype(int) - [0, 0, 255]).max() < 8


def test_a_delta_restores_the_png(alice):
    original = pictures.portrait(image_format="PNG")
    whole = alice.post(image=original, output__format="png").content
    delta = alice.post(image=original, output__format="delta_png").content
    restored = delta_png.decode(pictures.pixels(delta), pictures.pixels(original))
    visible = pictures.pixels(whole)[..., 3] > 0
    assert np.array_equal(restored[visible], pictures.pixels(whole)[visible])


def test_a_zip_holds_colour_and_alpha(alice):
    answer = alice.post(image=PHOTO, output__format="zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as parts:
        assert sorted(parts.namelist()) == ["alpha.png", "color.jpg"]


def test_json_and_forms_are_read_too(alice):
    encoded = {"image.base64": base64.b64encode(PHOTO).decode(), "test": "true"}
    as_json = alice.ask("POST", V2, json.dumps(encoded), Content_Type="application/json")
    form = "application/x-www-form-urlencoded"
    as_form = alice.ask("POST", V2, urlencode(encoded), Content_Type=form)
    assert (as_json.status, as_form.status) == (200, 200)
    assert as_json.content == as_form.content


def test_a_picture_is_fetched(alice, photo_url):
    answer = alice.post(image__url=photo_url, test="true", max_pixels="40000")
    assert answer.status == 200, answer.content
    assert answer.headers["X-Input-Size"] == "600 400"


def test_other_dialects(alice):
    old = alice.post("/api/v1/remove-background", image=PHOTO, **{"result.targetSize": "50 50"})
    assert pictures.mode_and_size(old.content)[1] == (50, 50)
    assert old.headers["Deprecation"]
    theirs = alice.post("/v1.0/removebg", {"X-Api-Key": alice.pair}, image_file=PHOTO, size="auto")
    assert theirs.status == 200, theirs.content
    assert (theirs.headers["X-Width"], theirs.headers["X-Height"]) == ("200", "240")


def test_the_page_works_for_visitors(service):
    status, headers, body = service.server.ask("GET", "/")
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert b"<main" in body


def test_refusals_say_why_and_cost_nothing(alice, bob, service):
    before = alice.credits
    truncated = pictures.portrait(1000, 1200)[:-9000]
    nobody = Person(service.server, "nobody:at all")
    refusals = [
        (alice.post(), 400, 1005),
        (alice.post(image=b"no picture" * 10), 400, 1006),
        (alice.post(image=truncated), 400, 1006),
        (alice.post(image=PHOTO, result__margin="wide"), 400, 1105),
        (alice.post(image=PHOTO, max_pixels="100", output__format="delta_png"), 400, 1110),
        (alice.post(image__url="http://10.0.0.1/a.jpg"), 400, 1151),
        (bob.post(image=PHOTO), 402, 1008),
        (nobody.post(image=PHOTO), 401, 1001),
        (alice.ask("POST", V2, b"x", Content_Type="image/jpeg"), 415, 1123),
        (alice.ask("GET", V2), 405, 1125),
        (alice.ask("GET", "/api/v2/nothing"), 404, 1124),
        (alice.post(image=b"\0" * (31 * 1024 * 1024)), 413, 1012),
    ]
    assert [(answer.status, answer.code) for answer, _, _ in refusals] == [
        (status, code) for _, status, code in refusals
    ]
    assert alice.credits == before


def test_nothing_found_is_free(alice):
    before = alice.credits
    answer = alice.post(image=pictures.blank())
    assert (answer.status, float(answer.headers["X-Credits-Charged"])) == (200, 0)
    assert answer.headers["X-Result-Foreground"] == "0 0 0 0"
    refused = alice.post("/v1.0/removebg", {"X-Api-Key": alice.pair}, image_file=pictures.blank())
    assert json.loads(refused.content)["errors"][0]["code"] == "unknown_foreground"
    assert alice.credits == before


def test_a_repeated_key_is_answered_with_the_same_and_charged_once(alice):
    before = alice.credits
    key = {"Idempotency_Key": "e2e-1"}
    first, second = (alice.post(headers=key, image=PHOTO) for _ in range(2))
    assert first.content == second.content
    assert second.headers["Idempotency-Replayed"] == "true"
    assert alice.credits == pytest.approx(before - PRICE)
    assert alice.post(headers=key, image=pictures.blank()).code == 1128


def test_a_crowd_is_served_or_told_to_come_back_and_charged_for_what_it_got(alice, service):
    crowd = [alice, service.person("carol@example.com", "1")]
    before = sum(person.credits for person in crowd)
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda n: crowd[n % len(crowd)].post(image=PHOTO), range(48)))
    served = [answer for answer in answers if answer.status == 200]
    told = [answer for answer in answers if answer.status == 429]
    assert len(served) + len(told) == len(answers)
    assert served
    assert told
    assert all(answer.headers["Retry-After"] for answer in told)
    charged = sum(float(answer.headers["X-Credits-Charged"]) for answer in served)
    assert before - sum(person.credits for person in crowd) == pytest.approx(charged)


def test_a_person_alone_is_never_refused(alice):
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: alice.post(image=PHOTO), range(15)))
    assert [answer.status for answer in answers] == [200] * 15


def test_afterwards_the_books_are_right_and_no_picture_is_left(service):
    assert "right" in service.server.manage("audit_ledger")
    assert [name for name in service.stored() if "keyed-results" not in name] == []
