"""Scribbles on a stored picture: for its owner alone, free, limited, in the engine's processes."""

import json

import numpy as np
import pytest
from PIL import Image

from removal import limits
from removal.models import KeptPicture, Removal
from removal.page import mending
from tests.pictures import blank, encoded, pixels

from .test_kept import browser, files, new_id, own_storage, person, send

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["own_storage"]  # a fixture
SCRIBBLE = {"label": "keep", "points": [[30, 30], [120, 40]], "radius": 12}


@pytest.fixture
def client():
    return browser()


@pytest.fixture
def picture(client):
    sent = new_id()
    send(client, sent)
    return sent


def ask(client, picture, what="mended", scribbles=(SCRIBBLE,), **request):
    body = request.pop("body", None) or json.dumps(list(scribbles))
    return client.post(
        f"/removals/{picture}/{what}", body, content_type="application/json", **request
    )


def test_scribbles_are_answered_at_work_size_and_then_in_the_cut_out(client, picture):
    copy = client.get(f"/removals/{picture}/work-copy")
    assert pixels(copy.content).shape == (400, 600, 4)
    matte = ask(client, picture, "matte")
    assert pixels(matte.content)[34, 60] == 255
    patch = ask(client, picture)
    assert (patch.status_code, patch["Content-Type"]) == (200, "image/png")
    assert pixels(patch.content).shape[2] == 4
    assert Removal.objects.count() == 1, "nothing is charged, and no picture counted"


def test_the_work_copy_is_made_once_counts_and_goes_with_the_picture(client, picture):
    before = KeptPicture.objects.get().size
    first = client.get(f"/removals/{picture}/work-copy").content
    assert len(files()) == 3
    assert KeptPicture.objects.get().size == before + len(first)
    assert client.get(f"/removals/{picture}/work-copy").content == first
    client.delete(f"/removals/{picture}")
    assert files() == []


def test_without_room_for_a_work_copy_scribbles_work_all_the_same(client, picture, settings):
    settings.REMOVAL_PAGE_KEEP_BYTES = KeptPicture.objects.get().size + 1
    assert ask(client, picture, "matte").status_code == 200
    assert len(files()) == 2


def test_scribbles_go_on_from_a_touched_up_cut_out(client, picture):
    ask(client, picture, "matte")
    empty = np.zeros((400, 600, 4), np.uint8)
    empty[380:, 580:] = (9, 9, 9, 255)
    path = f"/removals/{picture}/result"
    content = encoded(Image.fromarray(empty))
    assert client.put(path, content, content_type="image/png").status_code == 204
    assert pixels(ask(client, picture, "matte", ()).content)[200, 300] == 0
    patch = pixels(ask(client, picture).content)
    assert patch[..., 3].max() == 255
    assert patch.shape[0] < 300, "the subject that was erased does not come back"


def test_strangers_cannot_scribble(client, picture):
    for stranger in (browser(), browser(person("mallory@example.com"))):
        assert stranger.get(f"/removals/{picture}/work-copy").status_code == 404
        for what in ("matte", "mended"):
            assert ask(stranger, picture, what).status_code == 404
    assert ask(client, new_id()).status_code == 404


def test_a_picture_without_a_cut_out_has_nothing_to_mend(client, picture):
    KeptPicture.objects.update(state=KeptPicture.State.FAILED)
    assert ask(client, picture).status_code == 404


@pytest.mark.parametrize("body", [
    b"[", b"{}", b"\xff\xfe", json.dumps([SCRIBBLE | {"points": [[600, 1]]}]).encode(),
    json.dumps([SCRIBBLE] * 201).encode(),
])  # fmt: skip
def test_bad_scribbles_are_refused_in_words(client, picture, body):
    answer = ask(client, picture, body=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_a_body_above_the_limit_is_not_read_to_its_end(client, picture):
    answer = ask(client, picture, body=b"[" + b" " * mending.MAX_BODY + b"]")
    assert answer.status_code == 413


def test_an_hour_has_an_end(client, picture, monkeypatch):
    monkeypatch.setattr(limits, "MENDED_MEGAPIXELS_PER_HOUR", 3)  # the work copy is one of them
    assert [ask(client, picture, "matte").status_code for _ in range(3)] == [200, 200, 429]
    other = browser(person())
    mine = new_id()
    send(other, mine)
    assert ask(other, mine, "matte").status_code == 200, "accounts count for themselves"


@pytest.mark.parametrize("fields", [{"test": "true"}, {}], ids=["a test", "nothing found"])
def test_a_full_size_cut_out_that_cost_nothing_is_not_mended_to_one(fields, settings):
    alice = person()
    client, sent = browser(alice), new_id()
    photo = None if fields else blank(900, 600)
    answer = send(client, sent, photo, resolution="full", **{"output.format": "png"} | fields)
    assert (answer.status_code, answer["X-Credits-Charged"]) == (200, "0")
    assert answer["X-Mendable"] == "0"
    assert client.get(f"/removals/{sent}/work-copy").status_code == 200
    assert ask(client, sent).status_code == 402
    told = {row["id"]: row["mendable"] for row in client.get("/removals").json()["pictures"]}
    assert told == {sent: False}
    paid = new_id()
    answer = send(client, paid, resolution="full")
    assert (answer["X-Credits-Charged"], answer["X-Mendable"]) == ("0.062", "1")
    assert ask(client, paid).status_code == 200
    settings.CREDITS_BASE = settings.CREDITS_PER_MEGAPIXEL = 0  # a site without prices
    assert ask(client, sent).status_code == 200
