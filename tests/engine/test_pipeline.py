"""From bytes to bytes: what every result keeps to, whatever the network finds."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from removal.engine import (
    Box,
    DeltaWouldShrink,
    Options,
    ResultTooLarge,
    UnreadableImage,
    remove_background,
)
from removal.engine.canvas import Canvas
from removal.engine.matting import foreground
from removal.engine.pipeline import STAGES
from removal.engine.reading import headers
from removal.engine.writing import delta_png, encode
from tests import pictures


def test_a_portrait_is_cut_out():
    result = remove_background(pictures.portrait())
    image = pictures.pixels(result.content)
    assert result.media_type == "image/png"
    assert image.shape == (240, 200, 4)
    assert image[120, 90, 3] > 240  # the face
    assert image[10, 190, 3] < 20  # the flag's corner behind


def test_a_picture_without_a_subject_comes_out_empty():
    result = remove_background(pictures.blank(400, 300))
    assert result.facts.input_foreground == result.facts.result_foreground == Box()
    assert not pictures.pixels(result.content).any()


def test_no_subject_with_a_crop_and_a_background_is_plain_background():
    options = Options(crop_to_foreground=True, background=(10, 200, 30), output_format="png")
    image = pictures.pixels(remove_background(pictures.blank(40, 30), options).content)
    assert image.shape == (30, 40, 3)
    assert (image == (10, 200, 30)).all()


def test_alpha_that_the_file_brings_is_never_exceeded():
    photo = Image.open(io.BytesIO(pictures.portrait())).convert("RGBA")
    brought = np.full((240, 200), 255, np.uint8)
    brought[:, 100:] = 90
    brought[200:] = 0
    photo.putalpha(Image.fromarray(brought))
    alpha = pictures.pixels(remove_background(pictures.encoded(photo)).content)[..., 3]
    assert (alpha <= brought).all()
    assert alpha[120, 70] > 240


def test_colours_hidden_under_transparency_never_show():
    photo = Image.open(io.BytesIO(pictures.portrait())).convert("RGBA")
    pixels = np.asarray(photo).copy()
    pixels[:, 150:] = (0, 255, 0, 0)
    for output_format in ("png", "webp"):
        options = Options(output_format=output_format, target_size=(90, 110))
        result = remove_background(pictures.encoded(Image.fromarray(pixels)), options)
        found = pictures.pixels(result.content).astype(int)
        seen = found[..., 3] > 60
        greenness = found[..., 1] - np.maximum(found[..., 0], found[..., 2])
        assert greenness[seen].max() < 60


def test_the_checkpoint_hears_of_each_stage_and_can_end_the_work():
    heard: list[str] = []
    remove_background(pictures.portrait(), checkpoint=heard.append)
    assert tuple(heard) == STAGES

    class Enough(Exception):
        pass

    def stop(stage: str) -> None:
        if stage == "refine":
            raise Enough

    with pytest.raises(Enough):
        remove_background(pictures.portrait(), checkpoint=stop)


def test_impossible_wishes_are_refused_before_any_work():
    never = pytest.fail
    with pytest.raises(DeltaWouldShrink):
        remove_background(
            pictures.portrait(),
            Options(output_format="delta_png", max_pixels=100),
            checkpoint=never,
        )
    with pytest.raises(ResultTooLarge):
        remove_background(pictures.portrait(), Options(target_size=(9000, 9000)), checkpoint=never)
    with pytest.raises(UnreadableImage):
        remove_background(b"no picture", checkpoint=never)


def test_the_same_input_gives_the_same_bytes():
    assert remove_background(pictures.portrait()) == remove_background(pictures.portrait())


@settings(max_examples=60)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_delta_rebuilds_the_png_for_any_matte(width, height, seed):
    rng = np.random.default_rng(seed)
    original = rng.integers(0, 256, (height, width, 3), np.uint8)
    alpha = rng.choice(np.array([0, 0, 1, 60, 128, 254, 255, 255], np.uint8), (height, width))
    rgb = original.copy()
    foreground.foreground_colour(rgb, alpha)
    canvas = Canvas(rgb, alpha)
    png, _ = encode.encode(canvas, Options(output_format="png"))
    delta, _ = encode.encode(canvas, Options(output_format="delta_png"))
    rebuilt = delta_png.decode(pictures.pixels(delta), original)
    assert (rebuilt == pictures.pixels(png)).all()


def test_the_headers_of_each_file_are_read_once(monkeypatch):
    read, seen = headers.read, []
    monkeypatch.setattr(headers, "read", lambda data: seen.append(data) or read(data))
    photo, background = pictures.portrait(40, 48), pictures.blank(9, 7)

    remove_background(photo, background=background)

    assert seen == [photo, background]
