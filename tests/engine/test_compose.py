"""The canvas: what is cropped, scaled, placed and laid over a background, to the pixel."""

import numpy as np
import pytest

from removal.engine.composing.compose import compose, flatten, foreground_box, resize_straight
from removal.engine.geometry import Box, layout
from removal.engine.options import parse_options


def square(alpha_inside=255):
    """A 20 x 10 picture, red all over, its subject 6 x 4 at top 3, left 5."""
    rgb = np.full((10, 20, 3), (250, 10, 10), np.uint8)
    alpha = np.zeros((10, 20), np.uint8)
    alpha[3:7, 5:11] = alpha_inside
    rgb[alpha == 0] = 0
    return rgb, alpha


def canvas_of(parameters, alpha_inside=255):
    rgb, alpha = square(alpha_inside)
    options = parse_options(parameters)
    where = layout((20, 10), foreground_box(alpha), options)
    return compose(rgb, alpha, where, options, None)


def test_foreground_begins_at_alpha_13():
    alpha = np.zeros((10, 20), np.uint8)
    alpha[2, 3] = 12
    assert foreground_box(alpha) == Box()
    alpha[4:6, 7:10] = 13
    assert foreground_box(alpha) == Box(top=4, left=7, width=3, height=2)


def test_a_crop_with_margins_is_placed_on_a_clear_canvas():
    canvas = canvas_of({"result.crop_to_foreground": "1", "result.margin": "1px 2px 3px 4px"})
    assert canvas.size == (12, 8)
    expected = np.zeros((8, 12), np.uint8)
    expected[1:5, 4:10] = 255
    assert (canvas.alpha == expected).all()
    assert (canvas.rgb[expected == 0] == 0).all()


def test_a_background_makes_the_result_opaque():
    canvas = canvas_of({"background.color": "#0000FF", "result.margin": "1px"})
    assert canvas.alpha is None
    assert canvas.rgb[0, 0].tolist() == [0, 0, 255]
    assert canvas.rgb[5, 8].tolist() == [250, 10, 10]


@pytest.mark.parametrize("output_format", ["mask", "zip"])
def test_masks_and_zips_keep_their_alpha_whatever_the_background(output_format):
    canvas = canvas_of({"background.color": "#0000FF", "output.format": output_format})
    assert canvas.alpha is not None


def test_jpeg_without_a_background_is_white():
    canvas = canvas_of({"output.format": "jpeg"})
    assert canvas.rgb[0, 0].tolist() == [255, 255, 255]


def test_flattening_rounds_half_up():
    rgb = np.array([[[200, 180, 160]]], np.uint8)
    flat = flatten(rgb, np.array([[64]], np.uint8), (0, 0, 0))
    assert flat.tolist() == [[[50, 45, 40]]]


def test_scaling_does_not_bleed_hidden_colours():
    rgb, alpha = square()
    rgb[alpha == 0] = (0, 255, 0)  # a colour that must never show
    for size in [(7, 3), (13, 9), (61, 33)]:
        colours, soft = resize_straight(rgb, alpha, size)
        assert soft.shape == (size[1], size[0])
        seen = colours[soft > 8].astype(int)
        assert np.abs(seen - (250, 10, 10)).max() <= 2


def test_scaling_keeps_opaque_areas_opaque():
    rgb = np.full((50, 50, 3), 77, np.uint8)
    for size in [(20, 20), (120, 90)]:
        colours, alpha = resize_straight(rgb, np.full((50, 50), 255, np.uint8), size)
        assert (alpha == 255).all()
        assert (colours == 77).all()


@pytest.mark.parametrize("factor", [1.05, 2, 3, 7.3])
def test_enlarging_leaves_no_ring_along_the_edge(factor):
    rgb = np.full((40, 40, 3), (250, 200, 9), np.uint8)
    alpha = np.zeros((40, 40), np.uint8)
    alpha[10:30, 10:30] = 255
    side = round(40 * factor)
    colours, soft = resize_straight(rgb, alpha, (side, side))
    within = np.s_[int(11 * factor) + 1 : int(29 * factor) - 1]
    assert (soft[within, within] == 255).all()
    assert np.abs(colours[soft > 8].astype(int) - (250, 200, 9)).max() <= 2


@pytest.mark.parametrize("ground", [(250, 3, 99), "picture"], ids=["colour", "picture"])
def test_flattening_is_the_same_in_flat_and_in_soft_parts(ground):
    """Parts that are wholly clear or opaque are not reckoned; the formula holds for them too."""
    numbers = np.random.default_rng(2)
    rgb = numbers.integers(0, 256, (300, 400, 3), np.uint8)
    alpha = np.zeros((300, 400), np.uint8)
    alpha[:, 150:] = 255
    alpha[100:120, 100:310] = numbers.integers(0, 256, (20, 210), np.uint8)
    if ground == "picture":
        ground = numbers.integers(0, 256, rgb.shape, np.uint8)
    a = alpha[..., None].astype(int)
    expected = (rgb * a + np.asarray(ground) * (255 - a) + 127) // 255
    before = rgb.copy()
    assert (flatten(rgb, alpha, ground) == expected).all()
    assert (rgb == before).all()
