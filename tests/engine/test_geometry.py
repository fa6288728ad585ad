"""The contract's geometry, to the pixel; the same vectors are read by the browser's twin."""

import json
import math
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from removal.engine.errors import InvalidOption, ResultTooLarge
from removal.engine.geometry import Box, layout, limited_size, map_box
from removal.engine.options import Options, parse_options

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "geometry.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["layout"], ids=lambda vector: vector["name"])
def test_layout_follows_the_vectors(vector):
    options = parse_options(vector["parameters"])
    found = layout(tuple(vector["picture"]), Box(*vector["foreground"]), options)
    assert list(found.canvas_size) == vector["canvas"]
    assert _numbers(found.content) == vector["content"]
    assert _numbers(found.drawn) == vector["drawn"]


@pytest.mark.parametrize("vector", VECTORS["limited_size"])
def test_limited_size_follows_the_vectors(vector):
    width, height = vector["size"]
    assert list(limited_size(width, height, vector["max_pixels"])) == vector["limited"]


@given(st.integers(1, 60_000), st.integers(1, 60_000), st.sampled_from([100, 4_999, 25_000_000]))
def test_limited_size_is_the_largest_that_fits(width, height, max_pixels):
    w, h = limited_size(width, height, max_pixels)
    assert 1 <= w <= width
    assert 1 <= h <= height
    assert w * h <= max_pixels
    if width * height <= max_pixels:
        assert (w, h) == (width, height)
    elif min(w, h) > 1:
        assert (w + 1) * (h + 1) > max_pixels


@pytest.mark.parametrize("vector", VECTORS["map_box"])
def test_boxes_are_mapped_outward_and_clamped(vector):
    found = map_box(
        Box(*vector["box"]), Box(*vector["origin"]), Box(*vector["onto"]), tuple(vector["bounds"])
    )
    assert _numbers(found) == vector["mapped"]


def test_margins_that_leave_no_room_are_refused():
    options = parse_options({"result.target_size": "20 20", "result.margin": "50%"})
    with pytest.raises(InvalidOption, match="leave at least 1 x 1"):
        layout((10, 10), Box(), options)


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["name"])
def test_canvases_of_a_refused_size_or_shape_follow_the_vectors(vector):
    with pytest.raises(ResultTooLarge):
        layout(
            tuple(vector["picture"]),
            Box(*vector["foreground"]),
            parse_options(vector["parameters"]),
        )


def test_a_thin_canvas_is_refused_in_words_that_say_why():
    with pytest.raises(ResultTooLarge, match="longer side of up to 10,000 times the shorter one"):
        layout((10, 10), Box(), parse_options({"result.target_size": "50000000 1"}))


@pytest.mark.parametrize(
    ("output_format", "size"), [("jpeg", "65501 10"), ("webp", "16384 10"), ("png", "10000 5001")]
)
def test_canvases_over_a_limit_are_refused(output_format, size):
    options = parse_options({"result.target_size": size, "output.format": output_format})
    with pytest.raises(ResultTooLarge):
        layout((10, 10), Box(), options)


def test_the_operator_sets_the_largest_canvas():
    options = Options(target_size=(100, 100))
    with pytest.raises(ResultTooLarge, match="9,999 pixels"):
        layout((10, 10), Box(), options, max_pixels=9_999)


@given(
    st.tuples(st.integers(1, 400), st.integers(1, 400)),
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.sampled_from(["top", "middle", "bottom"]),
)
def test_a_target_is_met_exactly_and_holds_all_of_the_content(picture, target, alignment):
    options = Options(target_size=target, vertical_alignment=alignment)
    found = layout(picture, Box(), options)
    drawn = found.drawn
    assert found.canvas_size == target
    assert 0 <= drawn.left <= drawn.left + drawn.width <= target[0]
    assert 0 <= drawn.top <= drawn.top + drawn.height <= target[1]
    assert drawn.width == target[0] or drawn.height == target[1]


def _numbers(box: Box) -> list[int]:
    return [box.top, box.left, box.width, box.height]


SIDES = st.integers(1, 4_000)


@given(SIDES, SIDES, SIDES, SIDES, st.data())
def test_a_mapped_box_holds_all_of_what_it_maps(width, height, onto_width, onto_height, data):
    """Exactly outward: each side is the nearest whole pixel that leaves nothing of it outside."""
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box_width = data.draw(st.integers(1, width - left))
    box_height = data.draw(st.integers(1, height - top))
    found = map_box(
        Box(top, left, box_width, box_height),
        Box(0, 0, width, height),
        Box(0, 0, onto_width, onto_height),
        (onto_width, onto_height),
    )
    x, y = Fraction(onto_width, width), Fraction(onto_height, height)
    sides = (found.left, found.top, found.left + found.width, found.top + found.height)
    true = (left * x, top * y, (left + box_width) * x, (top + box_height) * y)
    outward = (math.floor, math.floor, math.ceil, math.ceil)
    assert sides == tuple(rounded(side) for rounded, side in zip(outward, true, strict=True))
