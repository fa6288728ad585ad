"""Our WebP files as libwebp reads them, through Pillow and through OpenCV."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from removal.engine.colour import srgb_profile
from removal.engine.writing import webp
from tests import pictures

SHAPES = [(1, 1), (1, 7), (7, 1), (17, 31), (100, 300), (1, 9000), (5000, 3)]
random = np.random.default_rng(5)


def read(content):
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.format == "WEBP"
        assert picture.info["icc_profile"] == srgb_profile()
        return np.asarray(picture.convert("RGBA"))


def photo_and_matte(size=320):
    """A photo, and a disc of it with an edge that is soft on one side and hard on the other."""
    rgb = pictures.pixels(pictures.portrait(size, size))[..., :3]
    y, x = np.mgrid[:size, :size] - size / 2
    edge = (size / 3 - np.hypot(x, y)) * np.where(x < 0, 12, 400)
    return np.ascontiguousarray(rgb), np.clip(edge, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "plane",
    [
        lambda shape: np.zeros(shape, np.uint8),
        lambda shape: np.full(shape, 255, np.uint8),
        lambda shape: random.integers(0, 256, shape, np.uint8),
        lambda shape: np.where(random.random(shape) < 0.01, 77, 0).astype(np.uint8),
        lambda shape: np.linspace(0, 255, np.prod(shape)).reshape(shape).astype(np.uint8),
    ],
    ids=["empty", "full", "noise", "specks", "ramp"],
)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_alpha_is_exact(shape, plane):
    alpha = plane(shape)
    rgb = random.integers(0, 256, (*shape, 3), np.uint8)
    content = webp.encode(rgb, alpha, 80, srgb_profile())
    assert np.array_equal(read(content)[..., 3], alpha)
    seen = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(seen[..., 3], alpha)


def test_alpha_is_exact_over_the_borders_of_bands(monkeypatch):
    monkeypatch.setattr(webp, "_BAND_PIXELS", 1000)
    rgb, alpha = photo_and_matte()
    assert np.array_equal(read(webp.encode(rgb, alpha, 80, srgb_profile()))[..., 3], alpha)


def test_a_code_of_very_unequal_frequencies_stays_within_the_format():
    """Frequencies like Fibonacci's numbers make the longest codes that there are."""
    frequencies = [1, 1]
    while len(frequencies) < 19:
        frequencies.append(sum(frequencies[-2:]))
    steps = random.permutation(np.repeat(np.arange(1, 20), frequencies))
    alpha = np.cumsum(steps, dtype=np.uint8).reshape(1, -1)
    rgb = np.zeros((*alpha.shape, 3), np.uint8)
    assert np.array_equal(read(webp.encode(rgb, alpha, 80, srgb_profile()))[..., 3], alpha)


def test_visible_colours_are_as_good_as_the_librarys_own():
    rgb, alpha = photo_and_matte()
    clean = np.dstack([rgb, alpha])
    clean[alpha == 0] = 0
    buffer = io.BytesIO()
    Image.fromarray(clean).save(buffer, "WEBP", quality=80, method=1, icc_profile=srgb_profile())
    ours = webp.encode(rgb, alpha, 80, srgb_profile())

    def error(content):
        found = read(content)[..., :3].astype(float)
        return np.sqrt(np.mean(((found - rgb) * (alpha[..., None] / 255))[alpha > 0] ** 2))

    assert error(ours) < 1.05 * error(buffer.getvalue())
    assert len(ours) < 1.15 * len(buffer.getvalue())


def test_nothing_that_is_hidden_leaves_a_trace():
    rgb, alpha = photo_and_matte()
    other = np.where(alpha[..., None] == 0, 255 - rgb, rgb).astype(np.uint8)
    files = {webp.encode(picture, alpha, 80, srgb_profile()) for picture in (rgb, other)}
    assert len(files) == 1


def test_an_opaque_picture_has_no_alpha():
    rgb, _ = photo_and_matte()
    content = webp.encode(rgb, None, 80, srgb_profile())
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.mode == "RGB"
    assert len(read(content)) == len(rgb)
