"""Delta PNG to the letter of the contract: markers, soft edges, restoring."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from removal.engine.writing import delta_png


def pixels_of(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "RGBA"
        return np.asarray(image)


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (0, (0, 0, 0, 0)),
        (255, (255, 255, 255, 0)),
        (1, (200, 150, 100, 1)),
        (128, (200, 150, 100, 128)),
        (254, (200, 150, 100, 254)),
    ],
)
def test_each_kind_of_pixel_has_its_own_word(alpha, expected):
    rgb = np.array([[[200, 150, 100]]], np.uint8)

    delta = pixels_of(delta_png.encode(rgb, np.array([[alpha]], np.uint8)))

    assert tuple(delta[0, 0]) == expected


def shapes():
    return st.tuples(st.integers(1, 7), st.integers(1, 7))


@st.composite
def cut_outs(draw):
    """An original and a cut-out of it, whose colours differ only where 0 < alpha < 255."""
    shape = draw(shapes())
    original = draw(npst.arrays(np.uint8, (*shape, 3)))
    extremes = st.sampled_from([0, 255])
    alpha = draw(npst.arrays(np.uint8, shape, elements=st.one_of(extremes, st.integers(0, 255))))
    estimated = draw(npst.arrays(np.uint8, (*shape, 3)))
    soft = (alpha > 0) & (alpha < 255)
    return original, np.where(soft[..., None], estimated, original), alpha


@given(cut_outs())
def test_the_original_and_the_delta_give_the_cut_out(picture):
    original, rgb, alpha = picture
    expected = np.dstack([np.where(alpha[..., None] > 0, rgb, np.uint8(0)), alpha])

    delta = pixels_of(delta_png.encode(rgb, alpha))

    assert np.array_equal(delta_png.decode(delta, original), expected)


@given(cut_outs())
def test_the_delta_holds_nothing_of_pixels_that_are_fully_in_or_out(picture):
    _, rgb, alpha = picture
    changed = np.where((alpha % 255 == 0)[..., None], 255 - rgb, rgb)

    assert delta_png.encode(rgb, alpha) == delta_png.encode(changed, alpha)


def test_decoding_leaves_its_inputs_alone():
    delta = np.array([[[255, 255, 255, 0]]], np.uint8)
    original = np.array([[[1, 2, 3]]], np.uint8)

    assert tuple(delta_png.decode(delta, original)[0, 0]) == (1, 2, 3, 255)
    assert tuple(delta[0, 0]) == (255, 255, 255, 0)


def test_the_resolution_is_kept():
    data = delta_png.encode(
        np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.uint8), resolution=(300, 300)
    )

    with Image.open(io.BytesIO(data)) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
