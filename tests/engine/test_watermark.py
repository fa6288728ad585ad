"""The mark of test results: everywhere, in colour and alpha, and hung on the subject."""

from decimal import Decimal

import cv2
import numpy as np
import pytest

from removal.engine import Options
from removal.engine.canvas import Canvas
from removal.engine.composing.compose import compose, foreground_box
from removal.engine.composing.watermark import HALF, apply, extended, plan
from removal.engine.geometry import Box, Layout, layout
from removal.engine.options import Length, Margin

SIZES = [(1, 1), (17, 9), (64, 64), (300, 200), (1500, 1100), (1, 40_000), (40_000, 1), (3, 9000)]
FULL = Box(0, 0, 400, 400)


def whole(size):
    box = Box(0, 0, *size)
    return Layout(size, box, box)


def marked(alpha, rgb=None, opaque=False):
    """The canvas of a test result that shows the whole picture."""
    height, width = alpha.shape
    rgb = np.zeros((height, width, 3), np.uint8) if rgb is None else rgb.copy()
    canvas = Canvas(rgb, None if opaque else alpha.copy())
    apply(canvas, plan(alpha), whole((width, height)))
    return canvas


def covered(alpha):
    """Which pixels of a matte are under the mark."""
    return marked(np.where(alpha >= 13, 255, 0).astype(np.uint8)).alpha == HALF


def drawn(paint, side=900):
    canvas = np.zeros((side, side), np.uint8)
    paint(canvas)
    return canvas


def contact_sheet(canvas):
    for y in range(100, 900, 200):
        for x in range(100, 900, 200):
            cv2.circle(canvas, (x, y), 70, 255, -1)


SUBJECTS = {
    "disc": lambda c: cv2.circle(c, (450, 450), 300, 255, -1),
    "ring": lambda c: cv2.circle(c, (450, 450), 300, 255, 9),
    "upright line": lambda c: cv2.line(c, (450, 20), (450, 880), 255, 3),
    "lying line": lambda c: cv2.line(c, (20, 300), (880, 300), 255, 1),
    "diagonal": lambda c: cv2.line(c, (100, 100), (800, 800), 255, 5),
    "frame": lambda c: cv2.rectangle(c, (100, 200), (800, 700), 255, 12),
    "four corners": lambda c: [
        cv2.circle(c, at, 90, 255, -1) for at in ((100, 100), (800, 100), (100, 800), (800, 800))
    ],
    "great and small": lambda c: (
        cv2.circle(c, (600, 600), 280, 255, -1),
        cv2.circle(c, (240, 240), 50, 255, -1),
    ),
    "sixteen": contact_sheet,
    "a pixel": lambda c: c.__setitem__((5, 800), 255),
}


@pytest.mark.parametrize("size", SIZES)
def test_alpha_under_the_bars_becomes_half_inside_and_outside(size):
    width, height = size
    for level in (0, 255):
        alpha = np.full((height, width), level, np.uint8)
        assert set(np.unique(marked(alpha).alpha)) <= {level, HALF}
        assert (marked(alpha).alpha == HALF).any()


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_fifth_of_a_subject_of_any_shape_is_covered(name):
    alpha = drawn(SUBJECTS[name])
    assert covered(alpha)[alpha > 0].mean() >= 0.2


@pytest.mark.parametrize("name", ["four corners", "great and small", "sixteen"])
def test_no_part_of_a_subject_slips_between_the_bars(name):
    """Else a picture of many things would bring most of them unmarked, in one request."""
    alpha = drawn(SUBJECTS[name])
    under = covered(alpha)
    count, labels = cv2.connectedComponents(alpha)
    assert count > 2
    for label in range(1, count):
        assert under[labels == label].mean() >= 0.18


def test_a_part_that_hints_add_between_the_bars_is_covered_and_the_bars_stay():
    found = drawn(lambda c: cv2.circle(c, (450, 450), 400, 255, 9))
    part = drawn(lambda c: cv2.circle(c, (240, 240), 50, 255, -1))
    canvas = Canvas(np.zeros((900, 900, 3), np.uint8), found | part)
    apply(canvas, extended(plan(found), found | part), whole((900, 900)))
    hidden = canvas.alpha == HALF
    assert hidden[part > 0].mean() >= 0.2
    assert hidden[marked(found).alpha == HALF].all()


@pytest.mark.parametrize("margin", [0, 37, 400])
def test_the_whole_canvas_is_marked(margin):
    alpha = drawn(SUBJECTS["disc"], 900)
    options = Options(margin=Margin(*[Length(Decimal(margin))] * 4))
    placed = layout((900, 900), foreground_box(alpha), options)
    canvas = compose(np.zeros((900, 900, 3), np.uint8), alpha, placed, options, None)
    apply(canvas, plan(alpha), placed)
    under = canvas.alpha == HALF
    for top in range(0, under.shape[0] - 600, 100):
        for left in range(0, under.shape[1] - 600, 100):
            assert under[top : top + 600, left : left + 600].mean() > 0.3


@pytest.mark.parametrize(
    "turned", [lambda a: a[:, ::-1], lambda a: a[::-1], np.rot90, np.transpose]
)
def test_a_mirrored_or_turned_subject_is_covered_in_the_same_places(turned):
    alpha = drawn(SUBJECTS["frame"])
    alpha[300:500, 150:400] = 255
    other = covered(np.ascontiguousarray(turned(alpha)))
    assert (turned(covered(alpha)) == other).mean() > 0.99


def test_a_box_that_is_two_pixels_off_uncovers_little():
    alpha = drawn(SUBJECTS["disc"], 300)
    alpha[:] = cv2.resize(drawn(SUBJECTS["disc"]), (300, 300))
    grown = alpha.copy()
    grown[40:52, 60:63] = 255
    under = covered(alpha)
    both = under & covered(grown)
    assert both[alpha > 0].mean() > 0.9 * under[alpha > 0].mean()


@pytest.mark.parametrize("level", [0, 40, 64, 128, 200, 255])
def test_it_is_seen_on_any_opaque_ground(level):
    rgb = np.full((300, 300, 3), level, np.uint8)
    canvas = marked(np.full((300, 300), 255, np.uint8), rgb, opaque=True)
    differs = np.abs(canvas.rgb.astype(int) - level).max(axis=2) >= 40
    assert differs.mean() >= 0.3


def test_untouched_pixels_stay_what_they_were():
    rgb = np.random.default_rng(3).integers(0, 256, (200, 300, 3), np.uint8)
    canvas = marked(np.full((200, 300), 255, np.uint8), rgb)
    untouched = canvas.alpha == 255
    assert untouched.any()
    assert (canvas.rgb[untouched] == rgb[untouched]).all()


@pytest.mark.parametrize("opaque", [False, True])
def test_nothing_under_the_bars_tells_where_the_subject_ends(opaque):
    """The edge may move by pixels, or turn from soft to hard, and the bars hardly change."""
    soft = cv2.GaussianBlur(drawn(SUBJECTS["disc"], 900), (31, 31), 0)
    soft[450 - 300, 450] = soft[450 + 299, 450] = 255
    hard = np.where(soft >= 128, 255, 0).astype(np.uint8)
    rgb = np.zeros((900, 900, 3), np.uint8)
    rgb[:] = (200, 40, 60)
    options = Options(background=(255, 255, 255), output_format="png") if opaque else Options()
    results = []
    for alpha in (soft, hard):
        placed = whole((900, 900))
        canvas = compose(rgb.copy(), alpha.copy(), placed, options, None)
        plain = canvas.rgb.copy()
        apply(canvas, plan(soft), placed)
        results.append((canvas.rgb.astype(int), (canvas.rgb != plain).any(axis=2)))
    under = results[0][1] & results[1][1]
    edge = under & (soft > 20) & (soft < 235)
    difference = np.abs(results[0][0] - results[1][0]).max(axis=2)[edge]
    assert edge.sum() > 1000
    assert np.median(difference) <= 30


def test_colours_under_alpha_0_do_not_shine_through():
    alpha = np.zeros((300, 300), np.uint8)
    rgb = np.zeros((300, 300, 3), np.uint8)
    rgb[:, :150] = (0, 255, 0)
    seen = marked(alpha, rgb)
    under = seen.alpha == HALF
    assert np.ptp(seen.rgb[under].astype(int), axis=1).max() == 0  # greys alone
