"""`hints` of version 2: read in every form of body, charged like any request, refused by 1115."""

import base64
import json

import cv2
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from removal.engine import inspect
from tests import pictures
from tests.engine import hostile

pytestmark = pytest.mark.django_db
HINTS = json.dumps({"keep": [[100, 120]], "remove": [{"points": [[5, 5], [12, 5]], "radius": 3}]})


def test_hints_change_the_result_and_not_its_price(alice, portrait):
    plain = alice.post(image=portrait, output__format="mask")
    hinted = alice.post(image=portrait, output__format="mask", hints='{"keep": [[4, 4]]}')
    empty = alice.post(image=portrait, output__format="mask", hints="")
    assert plain.status_code == hinted.status_code == 200
    assert empty.content == plain.content != hinted.content
    assert hinted["X-Credits-Charged"] == plain["X-Credits-Charged"]
    assert pictures.mode_and_size(hinted.content) == pictures.mode_and_size(plain.content)


def test_a_file_part_is_read_as_the_text_is(alice, portrait):
    text = alice.post(image=portrait, hints=HINTS)
    file = SimpleUploadedFile("hints.json", HINTS.encode())
    assert alice.post(image=portrait, hints=file).content == text.content


def labels(width, height, kept=(4, 4)):
    """A grey PNG that keeps one place and removes another."""
    marks = np.full((height, width), 128, np.uint8)
    marks[kept[1] - 3 : kept[1] + 4, kept[0] - 3 : kept[0] + 4] = 255
    marks[-8:-4, -8:-4] = 0
    return cv2.imencode(".png", marks)[1].tobytes()


def test_a_picture_of_labels_is_a_file_or_a_data_url(alice, portrait):
    size = inspect(portrait).size
    png = labels(*size)
    plain = alice.post(image=portrait, output__format="mask")
    file = alice.post(image=portrait, output__format="mask", hints=png)
    url = "data:image/png;base64," + base64.b64encode(png).decode()
    text = alice.post(image=portrait, output__format="mask", hints=url)
    assert file.status_code == 200
    assert file.content == text.content != plain.content
    assert file["X-Credits-Charged"] == plain["X-Credits-Charged"]


def test_a_repeated_request_is_known_by_its_hints(alice, portrait):
    size = inspect(portrait).size

    def send(hints):
        body = {"image": SimpleUploadedFile("photo", portrait), "hints": hints}
        headers = {"Idempotency-Key": "once"}
        auth = alice.authorization
        return alice.client.post(
            "/api/v2/remove-background", body, headers=headers, HTTP_AUTHORIZATION=auth
        )

    def file(content):
        return SimpleUploadedFile("hints", content)

    first = send(file(labels(*size)))
    again = send(file(labels(*size)))
    assert first.status_code == again.status_code == 200
    assert again["Idempotency-Replayed"] == "true"
    assert again.content == first.content
    assert send(file(labels(*size, kept=(9, 9)))).json()["error"]["code"] == 1128
    assert send(HINTS).json()["error"]["code"] == 1128
    assert send("").json()["error"]["code"] == 1128


@pytest.mark.parametrize(
    "wrong",
    [
        lambda size: labels(size[0] + 1, size[1]),
        lambda size: labels(size[1] + 40, size[0]),
        lambda size: labels(*size)[:60],
        lambda size: labels(*size)[:-40],
        lambda size: hostile.png(60_000, 50_000),
        lambda size: cv2.imencode(".jpg", np.zeros((size[1], size[0]), np.uint8))[1].tobytes(),
        lambda size: cv2.imencode(".png", np.zeros((size[1], size[0]), np.uint8))[1].tobytes(),
        lambda size: labels(*size) + b"\0" * 400_000,
        lambda size: b"data:image/png;base64,*",
    ],
)
def test_bad_labels_have_the_same_code_and_cost_nothing(alice, portrait, wrong):
    before = alice.credits
    response = alice.post(image=portrait, hints=wrong(inspect(portrait).size))
    assert response.status_code == 400
    assert response.json()["error"]["code"] == 1115
    assert alice.credits == before


@pytest.mark.parametrize(
    "hints",
    [
        "no JSON",
        '{"keep": [[100000, 5]]}',
        '{"keep": [[50, 50]], "remove": [[50, 50]]}',
        '{"keep": [[1, 1]' + ", [1, 1]" * 5000 + "]}",
        '{"keep": [{"points": [[1, 1]], "radius": 5000}]}',
    ],
)
def test_bad_hints_have_their_own_code_and_cost_nothing(alice, portrait, hints):
    response = alice.post(image=portrait, hints=hints)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == 1115
    assert response.json()["error"]["message"].startswith("hints: ")


def test_the_older_version_does_not_know_them(alice, portrait):
    plain = alice.post("/api/v1/remove-background", image=portrait)
    hinted = alice.post("/api/v1/remove-background", image=portrait, hints="no JSON")
    assert hinted.content == plain.content
