"""The front page's samples: their stored results belong to their photos, and run no network."""

import io
import json

import numpy as np
import pytest
from django.test import Client
from PIL import Image
from pytest_django.fixtures import Settings

from removal import limits
from removal.engine.composing.compose import foreground_box
from removal.engine.writing import delta_png
from removal.models import KeptPicture, Removal
from removal.page.samples import PHOTOS, RESULTS, SAMPLES, Sample

MOST_IN_VIEW = 25_000  # bytes of a pair; one pair comes with the page
PICTURE = "0123456789abcdef" * 2


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_stored_result_belongs_to_its_photo(sample: Sample) -> None:
    photo = np.asarray(Image.open(sample.photo).convert("RGB"))
    delta = np.asarray(Image.open(sample.result))
    cutout = delta_png.decode(delta, photo)
    alpha = cutout[..., 3]
    assert 0.05 < (alpha > 128).mean() < 0.8
    facts = json.loads((RESULTS / "facts.json").read_text())[sample.name]
    height, width = alpha.shape
    assert facts["input_size"] == facts["result_size"] == [width, height]
    box = foreground_box(alpha)
    assert facts["result_foreground"] == {
        name: getattr(box, name) for name in ("top", "left", "width", "height")
    }
    views = [(PHOTOS / f"{sample.name}-{which}.avif").read_bytes() for which in ("before", "after")]
    assert {Image.open(io.BytesIO(view)).size for view in views} == {(510, 340)}
    assert sum(map(len, views)) < MOST_IN_VIEW


@pytest.fixture
def visitor(client: Client, settings: Settings, tmp_path, db) -> Client:
    settings.MEDIA_ROOT = tmp_path
    limits.forget_visitors()
    client.cookies["visitor"] = "a" * 32
    return client


def opened(visitor: Client, name: str, picture: str = PICTURE):
    return visitor.post("/removals", {"picture": picture, "name": "cup.jpg", "sample": name})


def test_a_sample_is_kept_for_its_visitor_and_counts_as_no_request(visitor: Client) -> None:
    answer = opened(visitor, "coffee")
    assert (answer.status_code, answer["X-Kept"], answer["X-Result-Size"]) == (200, "1", "600 400")
    row = KeptPicture.objects.get()
    assert (row.state, row.delta, row.name) == (KeptPicture.State.DONE, True, "cup.jpg")
    assert visitor.get(f"/removals/{PICTURE}/result").getvalue() == answer.content
    original = visitor.get(f"/removals/{PICTURE}/original").getvalue()
    assert Image.open(io.BytesIO(original)).size == (600, 400)
    assert visitor.get("/removals/allowance").json()["left"] == 20
    assert not Removal.objects.exists()
    assert Client().get(f"/removals/{PICTURE}/result").status_code == 404


def test_samples_have_a_limit_and_known_names(
    visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SAMPLES_PER_HOUR", 1)
    assert opened(visitor, "../coffee").status_code == 404
    assert opened(visitor, "coffee").status_code == 200
    assert opened(visitor, "coffee", "f" * 32).status_code == 429
    assert KeptPicture.objects.count() == 1
