"""The mark of test results: everywhere, in colour and alpha, and of no use for production."""

import numpy as np
import pytest

from removal.engine.canvas import Canvas
from removal.engine.composing.watermark import HALF, apply

SIZES = [(1, 1), (17, 9), (64, 64), (300, 200), (1500, 1100)]


@pytest.mark.parametrize("size", SIZES)
def test_alpha_under_the_strokes_becomes_half_inside_and_outside(size):
    width, height = size
    for level in (0, 255):
        alpha = np.full((height, width), level, np.uint8)
        marked = apply(Canvas(np.zeros((height, width, 3), np.uint8), alpha))
        assert set(np.unique(marked.alpha)) <= {level, HALF}
        assert (marked.alpha == HALF).any()


@pytest.mark.parametrize("size", [(64, 64), (300, 200), (1500, 1100)])
def test_every_part_of_the_canvas_is_marked(size):
    width, height = size
    marked = apply(
        Canvas(np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8))
    )
    touched = marked.alpha > 0
    share = touched.mean()
    assert 0.03 < share < 0.4
    step = min(width, height)
    for top in range(0, height - step + 1, step):
        for left in range(0, width - step + 1, step):
            assert touched[top : top + step, left : left + step].mean() > 0.03


@pytest.mark.parametrize("level", [0, 128, 255])
def test_it_is_legible_on_any_ground(level):
    canvas = Canvas(np.full((300, 300, 3), level, np.uint8))
    marked = apply(canvas)
    contrast = np.abs(marked.rgb.astype(int) - level).max()
    assert contrast >= 60


def test_untouched_pixels_stay_what_they_were():
    rng = np.random.default_rng(3)
    rgb = rng.integers(0, 256, (200, 300, 3), np.uint8)
    alpha = np.full((200, 300), 255, np.uint8)
    marked = apply(Canvas(rgb.copy(), alpha))
    untouched = marked.alpha == 255
    assert (marked.rgb[untouched] == rgb[untouched]).all()


def test_the_mark_is_the_same_in_every_format():
    """A mask and a cut-out of one request carry the same strokes."""
    one = apply(Canvas(np.zeros((200, 300, 3), np.uint8), np.zeros((200, 300), np.uint8)))
    two = apply(Canvas(np.full((200, 300, 3), 9, np.uint8), np.full((200, 300), 255, np.uint8)))
    assert ((one.alpha == HALF) == (two.alpha == HALF)).all()
