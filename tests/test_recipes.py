"""Recipes: what the table promises, measured on results."""

import subprocess
import sys

import numpy as np
import pytest

from removal import recipes
from removal.engine.geometry import Box, layout
from removal.engine.options import PARAMETERS, parse_options
from tests import pictures
from tests.serving import ROOT

SUBJECTS = (Box(100, 200, 600, 300), Box(30, 40, 200, 700), Box(10, 10, 512, 512))


@pytest.mark.parametrize("recipe", recipes.ROWS, ids=lambda recipe: recipe.name)
def test_a_recipe_is_parameters_of_the_contract(recipe):
    assert set(recipe.parameters) <= {row.name for row in PARAMETERS}
    options = parse_options(recipe.parameters)
    assert options.target_size == recipe.size
    assert options.jpeg_quality == recipe.quality
    assert options.is_opaque
    assert recipe.source
    assert recipe.read


@pytest.mark.parametrize("recipe", recipes.ROWS, ids=lambda recipe: recipe.name)
@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_the_subject_fills_its_share_of_the_frame(recipe, subject):
    drawn = layout((1000, 800), subject, parse_options(recipe.parameters)).drawn
    width, height = recipe.size
    filled = max(drawn.width / width, drawn.height / height)
    assert filled == pytest.approx(recipe.fill / 100, abs=0.002)
    assert drawn.left == pytest.approx((width - drawn.width) / 2, abs=1)
    below = height - drawn.top - drawn.height
    assert below == (0 if recipe.stands else pytest.approx(drawn.top, abs=1))


def test_what_is_given_wins_and_what_is_empty_does_not():
    given = {"output.format": "png", "result.margin": " ", "image.url": "https://example.com/"}
    fields = recipes.expanded(given, "amazon")
    assert fields["output.format"] == "png"
    assert fields["result.margin"] == "7.5%"
    assert fields["image.url"] == "https://example.com/"
    with pytest.raises(KeyError):
        recipes.expanded({}, "nobody")


def test_the_command_line_makes_one_too(tmp_path):
    photo = tmp_path / "one.jpg"
    photo.write_bytes(pictures.portrait())
    command = [sys.executable, "-m", "removal.engine", photo, tmp_path / "story.jpg"]
    done = subprocess.run(
        [*command, "--recipe", "instagram_story", "--background-color", "#102030"],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    image = pictures.pixels((tmp_path / "story.jpg").read_bytes())
    assert image.shape == (1920, 1080, 3)
    assert np.abs(image[:100].astype(int) - (16, 32, 48)).max() <= 4
