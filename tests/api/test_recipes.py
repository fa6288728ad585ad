"""`recipe` of version 2: expanded before anything else, outdone by what is sent beside it."""

import numpy as np
import pytest

from removal import recipes
from removal.models import Batch
from tests import pictures

pytestmark = pytest.mark.django_db


def test_the_api_makes_a_main_image(alice, portrait):
    response = alice.post(image=portrait, recipe="Amazon")
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "image/jpeg"
    image = pictures.pixels(response.content)
    assert image.shape == (2000, 2000, 3)
    top, left, width, height = map(int, response["X-Result-Foreground"].split())
    assert max(width, height) / 2000 == pytest.approx(0.85, abs=0.01)
    outside = np.ones(image.shape[:2], bool)
    outside[max(top - 16, 0) : top + height + 16, max(left - 16, 0) : left + width + 16] = False
    assert (image[outside] == 255).all()


def test_the_api_s_other_parameters_win_and_unknown_recipes_are_refused(alice, portrait):
    png = alice.post(image=portrait, recipe="ebay", output__format="png")
    assert pictures.mode_and_size(png.content) == ("RGB", (1600, 1600))
    refused = alice.post(image=portrait, recipe="nobody")
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == 1117
    assert "amazon" in refused.json()["error"]["message"]


def test_batches_keep_what_the_recipe_meant_when_they_were_made(alice, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    made = alice.post("/api/v2/batches", keep_open="1", recipe="etsy", output__format="webp")
    assert made.status_code == 201, made.content
    fields = Batch.objects.get().fields
    assert fields == recipes.RECIPES["etsy"].parameters | {"output.format": "webp"}


def test_version_1_does_not_know_them(alice, portrait):
    plain = alice.post("/api/v1/remove-background", image=portrait)
    assert (
        alice.post("/api/v1/remove-background", image=portrait, recipe="x").content == plain.content
    )
