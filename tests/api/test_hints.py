"""`hints` of version 2: read in every form of body, charged like any request, refused by 1115."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests import pictures

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
