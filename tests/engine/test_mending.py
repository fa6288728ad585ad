"""Mending a finished cut-out gives what cutting out with the same hints gives, and only that."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from removal.engine import Hints, InvalidOption, Options, Stroke, UnreadableImage, remove_background
from removal.engine.hints import Scribble, drawn_in_order, parse_scribbles
from removal.engine.mending import Mending, mend_cutout
from removal.engine.writing import delta_png
from tests.pictures import encoded, pixels

COFFEE = (Path(__file__).parents[2] / "static" / "img" / "samples" / "coffee.jpg").read_bytes()
SIZE = (600, 400)
KEEP = Stroke(((30.0, 30.0), (120.0, 40.0)), 12.0)
REMOVE = Stroke(((300.0, 180.0), (330.0, 200.0)), 10.0)
HINTS = Hints(keep=(KEEP,), remove=(REMOVE,))
SCRIBBLES = (Scribble("keep", KEEP), Scribble("remove", REMOVE))


def cut_out(data: bytes = COFFEE, **options) -> bytes:
    return remove_background(data, Options(**options)).content


def mended(cutout: bytes, data: bytes = COFFEE, step="finish", **options) -> bytes:
    touched_up = options.pop("touched_up", False)
    mending = Mending(step, SIZE, options.pop("scribbles", SCRIBBLES), touched_up)
    return mend_cutout(data, cutout, mending, Options(**options)).content


def laid_in(cutout: np.ndarray, patch: bytes) -> np.ndarray:
    """The cut-out with the patch where its oFFs chunk says."""
    at = patch.index(b"oFFs") + 4
    left, top = (int.from_bytes(patch[at + i : at + i + 4], "big") for i in (0, 4))
    with Image.open(io.BytesIO(patch)) as image:
        part = np.asarray(image.convert("RGBA"))
    result = cutout.copy()
    result[top : top + part.shape[0], left : left + part.shape[1]] = part
    return result


def with_holes() -> bytes:
    """The photo with transparent corners of its own, and a soft edge to them."""
    image = Image.open(io.BytesIO(COFFEE)).convert("RGBA")
    alpha = np.full((400, 600), 255, np.uint8)
    alpha[:, :8] = 0
    alpha[:, 8:16] = np.linspace(0, 255, 8, dtype=np.uint8)
    image.putalpha(Image.fromarray(alpha))
    return encoded(image)


def test_the_finished_cut_out_has_the_very_pixels_of_the_same_hints():
    before = cut_out(output_format="png")
    after = laid_in(pixels(before), mended(before, output_format="png"))
    assert np.array_equal(after, pixels(cut_out(output_format="png", hints=HINTS)))


def test_so_has_a_delta():
    before = cut_out(output_format="delta_png")
    after = laid_in(pixels(before), mended(before, output_format="delta_png"))
    expected = pixels(cut_out(output_format="delta_png", hints=HINTS))
    assert np.array_equal(after, expected)
    assert set(np.unique(delta_png.alpha_of(after[..., :3], after[..., 3]))) >= {0, 255}


def test_a_picture_with_transparency_of_its_own_keeps_it():
    data = with_holes()
    before = cut_out(data, output_format="png")
    after = laid_in(pixels(before), mended(before, data, output_format="png"))
    expected = pixels(cut_out(data, output_format="png", hints=HINTS))
    assert not after[:, :8, 3].any()
    off = np.abs(after[..., 3].astype(int) - expected[..., 3]) > 2
    assert off.mean() < 0.01, "under what the file hides, the network's matte is not known any more"


def test_what_a_person_has_painted_stays_where_scribbles_do_not_reach():
    painted = pixels(cut_out(output_format="png")).copy()
    painted[380:400, 560:600] = (1, 2, 3, 100)
    content = encoded(Image.fromarray(painted))
    patch = mended(content, output_format="png", touched_up=True)
    after = laid_in(painted, patch)
    assert np.array_equal(after[380:400, 560:600], painted[380:400, 560:600])
    assert after[30, 60, 3] == 255
    same = after[..., 3] == painted[..., 3]
    assert np.array_equal(after[same], painted[same])


def test_without_scribbles_nothing_changes():
    before = cut_out(output_format="png")
    patch = mended(before, output_format="png", scribbles=())
    assert pixels(patch).shape == (1, 1, 4)
    assert np.array_equal(laid_in(pixels(before), patch), pixels(before))


def test_a_work_copy_answers_with_nearly_the_same_matte():
    before = cut_out(output_format="png")
    work = mended(before, step="prepare", output_format="png")
    assert pixels(work).shape == (400, 600, 4)
    matte = pixels(mended(b"", work, step="preview"))
    expected = pixels(cut_out(output_format="mask", hints=HINTS))
    assert np.abs(matte.astype(int) - expected).mean() < 1


def test_a_later_scribble_holds_where_two_cross():
    crossing = (Scribble("keep", KEEP), Scribble("remove", KEEP))
    keep, remove = drawn_in_order(crossing, SIZE)
    assert not keep.any()
    assert remove[34, 60]


def test_a_cut_out_of_another_picture_is_refused():
    with pytest.raises(UnreadableImage):
        mended(encoded(Image.new("RGBA", (300, 200))), output_format="png")


@pytest.mark.parametrize("text", [
    "{}", '[{"points": [[1, 2]]}]', '[{"label": "both", "points": [[1, 2]]}]', "[1]", "[[1, 2]]",
    '[{"label": "keep"}]', '[{"label": "keep", "points": []}]', "[" * 100_000, "[NaN]", "",
    '[{"label": "keep", "points": [[1, 2]], "radius": "wide"}]',
    "[" + ",".join(['{"label": "keep", "points": [[1, 2]]}'] * 201) + "]",
])  # fmt: skip
def test_scribbles_that_are_none_are_refused(text):
    with pytest.raises(InvalidOption):
        parse_scribbles("hints", text)


@pytest.mark.parametrize("stroke", [Stroke(((600.0, 1.0),), 3.0), Stroke(((1.0, 1.0),), 200.0)])
def test_scribbles_outside_or_too_wide_are_refused_before_work(stroke):
    with pytest.raises(InvalidOption):
        mended(b"", b"", step="preview", scribbles=(Scribble("keep", stroke),))
