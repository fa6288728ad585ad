"""Where a scaled or moved subject lies; regions; grounds that are pictures or half clear."""

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from removal.engine import Options, remove_background
from removal.engine.composing.compose import compose, cover, flatten, lay_over
from removal.engine.errors import RegionEmpty, RegionOutside, UnreadableBackground
from removal.engine.geometry import Box, layout, region_box
from removal.engine.options import Region, parse_length, parse_margin
from tests import pictures

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "placement.json").read_text())


def numbers(box):
    return [box.top, box.left, box.width, box.height]


def region(*corners):
    return Region(*(parse_length("roi", corner) for corner in corners))


@pytest.mark.parametrize("vector", VECTORS["positioned"], ids=lambda vector: vector["name"])
def test_scale_and_position_follow_the_vectors(vector):
    scale, position = vector["scale"], vector["position"]
    options = Options(
        scale=Decimal(scale) if scale else None,
        position=(Decimal(position[0]), Decimal(position[1])) if position else None,
    )
    found = layout(tuple(vector["picture"]), Box(*vector["foreground"]), options)
    assert list(found.canvas_size) == vector["picture"]
    assert numbers(found.content) == vector["foreground"]
    assert numbers(found.drawn) == vector["drawn"]


@pytest.mark.parametrize("vector", VECTORS["region"])
def test_regions_follow_the_vectors(vector):
    assert numbers(region_box(tuple(vector["size"]), region(*vector["region"]))) == vector["box"]


@pytest.mark.parametrize("vector", VECTORS["own_side"])
def test_margins_of_the_own_side_follow_the_vectors(vector):
    options = Options(
        crop_to_foreground=True,
        margin=parse_margin("margin", vector["margin"]),
        margin_of_own_side=True,
    )
    found = layout((100, 80), Box(*vector["foreground"]), options)
    assert list(found.canvas_size) == vector["canvas"]
    assert numbers(found.drawn) == vector["drawn"]


def test_without_foreground_and_with_a_crop_nothing_is_moved():
    options = Options(scale=Decimal(10), position=(Decimal(0), Decimal(0)))
    assert numbers(layout((100, 80), Box(), options).drawn) == [0, 0, 100, 80]
    cropped = Options(scale=Decimal(10), crop_to_foreground=True)
    assert layout((100, 80), Box(1, 2, 30, 20), cropped).canvas_size == (30, 20)


@given(
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.integers(10, 100),
    st.tuples(st.integers(0, 100), st.integers(0, 100)),
    st.data(),
)
def test_a_placed_subject_never_leaves_its_canvas(size, scale, position, data):
    width = data.draw(st.integers(1, size[0]))
    height = data.draw(st.integers(1, size[1]))
    options = Options(scale=Decimal(scale), position=(Decimal(position[0]), Decimal(position[1])))
    drawn = layout(size, Box(0, 0, width, height), options).drawn
    assert 0 <= drawn.left <= drawn.left + drawn.width <= size[0]
    assert 0 <= drawn.top <= drawn.top + drawn.height <= size[1]


def test_regions_outside_and_empty_are_refused():
    with pytest.raises(RegionOutside, match="200 x 100"):
        region_box((200, 100), region("0", "0", "201px", "10px"))
    for corners in (("5px", "0", "5px", "9px"), ("9px", "0", "5px", "9px"), ("0", "0", "0", "0")):
        with pytest.raises(RegionEmpty):
            region_box((200, 100), region(*corners))


def test_a_picture_covers_the_canvas_by_its_middle():
    wide = np.zeros((2, 6, 3), np.uint8)
    wide[:, 2:4] = (9, 8, 7)
    assert (cover(wide, (2, 2)) == (9, 8, 7)).all()
    assert (cover(wide, (20, 20)) == (9, 8, 7)).all()
    assert cover(np.zeros((1, 1000, 3), np.uint8), (3, 500)).shape == (500, 3, 3)


def test_a_picture_shows_where_the_subject_is_clear():
    rgb = np.full((1, 3, 3), 200, np.uint8)
    ground = np.array([[[10, 20, 30]] * 3], np.uint8)
    flat = flatten(rgb, np.array([[0, 128, 255]], np.uint8), ground)
    assert flat[0].tolist() == [[10, 20, 30], [105, 110, 115], [200, 200, 200]]


def test_a_half_clear_ground_keeps_straight_colours():
    rgb = np.full((1, 3, 3), 200, np.uint8)
    out, alpha = lay_over(rgb, np.array([[0, 255, 128]], np.uint8), (0, 100, 0), 128)
    assert alpha[0].tolist() == [128, 255, 192]
    assert out[0, 0].tolist() == [0, 100, 0]
    assert out[0, 1].tolist() == [200, 200, 200]
    # 128 of 192 parts are the subject's, the rest the ground's
    assert out[0, 2].tolist() == [134, 167, 134]


@pytest.mark.parametrize("output_format", ["mask", "zip", "delta_png"])
def test_formats_without_background_show_no_picture(output_format):
    alpha = np.zeros((4, 4), np.uint8)
    options = Options(output_format=output_format, has_background_picture=True)
    where = layout((4, 4), Box(), options)
    ground = np.full((4, 4, 3), 9, np.uint8)
    canvas = compose(np.zeros((4, 4, 3), np.uint8), alpha, where, options, None, ground)
    assert canvas.alpha is not None


def test_auto_is_jpeg_only_where_the_ground_is_opaque():
    assert Options(background=(1, 2, 3), background_alpha=254).resolved_format == "png"
    assert Options(has_background_picture=True).resolved_format == "jpeg"


def test_a_half_clear_ground_in_a_jpeg_lies_on_white():
    options = Options(background=(0, 0, 0), background_alpha=128, output_format="jpeg")
    nothing = np.zeros((4, 4), np.uint8)
    where = layout((4, 4), Box(), options)
    canvas = compose(np.zeros((4, 4, 3), np.uint8), nothing, where, options, None)
    assert canvas.alpha is None
    assert canvas.rgb[0, 0].tolist() == [127, 127, 127]


def test_a_background_that_is_no_picture_is_refused_before_any_work():
    with pytest.raises(UnreadableBackground, match="background"):
        remove_background(pictures.blank(), background=b"none", checkpoint=pytest.fail)


def test_a_transparent_background_picture_lies_on_white():
    from PIL import Image

    clear = pictures.encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 0)))
    result = remove_background(pictures.blank(), Options(output_format="png"), background=clear)
    assert (pictures.pixels(result.content) == 255).all()
