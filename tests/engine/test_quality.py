"""The steps' strength, on pictures made here whose true alpha is known exactly.

A step that still works but does less of its work fails here and nowhere else.
"""

import cv2
import numpy as np
import pytest

from removal.engine import Box, Options, remove_background
from removal.engine.matting import predict
from removal.engine.matting.refine import upsample_alpha
from tests import pictures

SIDE = 1024
SMALL = 128
FRAME = 320  # side of the tests' network
GREEN, ORANGE = (40, 120, 60), (210, 110, 40)


def composite(alpha: np.ndarray) -> np.ndarray:
    """Orange over green with a little grain, uint8 (h, w, 3)."""
    share = alpha[..., None] / np.float32(255)
    grain = np.random.default_rng(1).normal(0, 2, (*alpha.shape, 1))
    mixed = np.array(ORANGE) * share + np.array(GREEN) * (1 - share) + grain
    return np.clip(mixed, 0, 255).astype(np.uint8)


def disc() -> np.ndarray:
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(canvas, (500, 520), 300, 255, -1, cv2.LINE_AA)
    return canvas


def hairs() -> np.ndarray:
    canvas = disc()
    for angle in np.linspace(0, 2 * np.pi, 40, endpoint=False):
        end = (int(500 + 420 * np.cos(angle)), int(520 + 420 * np.sin(angle)))
        cv2.line(canvas, (500, 520), end, 255, 5, cv2.LINE_AA)
    return canvas


@pytest.mark.parametrize(
    ("truth", "most"), [(disc(), 0.08), (hairs(), 0.05)], ids=["disc", "hairs"]
)
def test_refinement_takes_most_of_the_upsampling_error_away(truth, most):
    """`most`: the share of the error of plain interpolation that may be left."""
    small = cv2.resize(truth, (SMALL, SMALL), interpolation=cv2.INTER_AREA)
    matte = small.astype(np.float32) / 255
    plain = cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    refined = upsample_alpha(composite(truth), matte)

    def error(found: np.ndarray) -> float:
        return float(np.abs(found.astype(float) - truth).mean())

    assert error(refined) < most * error(plain)


@pytest.fixture
def found(monkeypatch):
    """Has the network find what the test says, in the network's own frame."""

    def find(matte: np.ndarray) -> None:
        assert matte.shape == (FRAME, FRAME)
        monkeypatch.setattr(predict, "predict", lambda frame, networks: matte)

    return find


def rectangle() -> np.ndarray:
    """Its sides lie between whole pixels both of 320 and of 300 pixels a side."""
    matte = np.zeros((FRAME, FRAME), np.float32)
    matte[48:160, 80:240] = 1
    return matte


def photo_of(matte: np.ndarray) -> bytes:
    return pictures.encoded(pictures.image_of(composite((matte * 255).astype(np.uint8))))


def test_a_haze_below_the_threshold_is_no_subject(found):
    """Nothing reaches the alpha from which a pixel counts: the result is empty, not faint."""
    found(np.full((FRAME, FRAME), 11 / 255, np.float32))
    result = remove_background(pictures.portrait())
    assert result.facts.input_foreground == Box()
    assert not pictures.pixels(result.content).any()


def test_a_crop_s_box_is_the_foreground_and_nothing_else(found):
    """A foreground of known place: crop, result and headers agree with it to the pixel."""
    found(rectangle())
    photo = photo_of(rectangle())
    whole = remove_background(photo)
    cropped = remove_background(photo, Options(crop_to_foreground=True))
    assert whole.facts.input_foreground == cropped.facts.input_foreground == Box(48, 80, 160, 112)
    assert cropped.facts.result_size == (160, 112)
    assert cropped.facts.result_foreground == Box(0, 0, 160, 112)
    mine, its = pictures.pixels(cropped.content), pictures.pixels(whole.content)
    assert (mine == its[48:160, 80:240]).all()


def test_boxes_of_a_shrunk_picture_are_told_in_the_input_s_pixels(found):
    """Of 320 pixels a side 300 are worked on."""
    found(rectangle())
    options = Options(crop_to_foreground=True, max_pixels=90_000)
    facts = remove_background(photo_of(rectangle()), options).facts
    assert facts.result_size == (150, 105)
    assert facts.input_foreground == Box(48, 80, 160, 112)
