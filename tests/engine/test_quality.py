"""The steps' strength, on pictures made here whose true alpha is known exactly.

A step that still works but does less of its work fails here and nowhere else.
"""

import cv2
import numpy as np
import pytest

from removal.engine import Box, Options, remove_background
from removal.engine.matting import predict
from removal.engine.matting.foreground import foreground_colour
from removal.engine.matting.refine import upsample_alpha
from tests import pictures

SIDE = 1024
SMALL = 128
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


def test_a_haze_below_the_threshold_is_no_subject(monkeypatch):
    """Nothing reaches the alpha from which a pixel counts: the result is empty, not faint."""
    faint = np.full((SIDE, SIDE), 11 / 255, np.float32)
    monkeypatch.setattr(predict, "predict", lambda frame, networks: faint)
    result = remove_background(pictures.portrait())
    assert result.facts.input_foreground == Box()
    assert not pictures.pixels(result.content).any()


def test_a_crop_s_box_is_the_foreground_and_nothing_else(monkeypatch):
    """A foreground of known place: crop, result and headers agree with it to the pixel."""
    matte = np.zeros((SIDE, SIDE), np.float32)
    matte[256:768, 128:896] = 1  # of a photo of 1024 x 1024
    monkeypatch.setattr(predict, "predict", lambda frame, networks: matte)
    photo = pictures.encoded(pictures.image_of(composite((matte * 255).astype(np.uint8))))
    whole = remove_background(photo)
    cropped = remove_background(photo, Options(crop_to_foreground=True))
    assert whole.facts.input_foreground == cropped.facts.input_foreground == Box(256, 128, 768, 512)
    assert cropped.facts.result_size == (768, 512)
    assert cropped.facts.result_foreground == Box(0, 0, 768, 512)
    mine, its = pictures.pixels(cropped.content), pictures.pixels(whole.content)
    assert (mine == its[256:768, 128:896]).all()


def test_boxes_of_a_shrunk_picture_are_told_in_the_input_s_pixels(monkeypatch):
    """Outward: of 1,024 pixels a side 1,000 are worked on."""
    matte = np.zeros((1000, 1000), np.float32)
    matte[250:751, 125:876] = 1
    monkeypatch.setattr(predict, "predict", lambda frame, networks: matte)
    photo = pictures.encoded(pictures.image_of(composite(disc())))
    options = Options(crop_to_foreground=True, max_pixels=1_000_000)
    facts = remove_background(photo, options).facts
    assert facts.result_size == (751, 501)
    assert facts.input_foreground == Box(256, 128, 898 - 128, 770 - 256)


@pytest.mark.parametrize(("low", "high"), [(1, 127), (128, 254)])
def test_soft_edges_get_the_subjects_own_colour(low, high):
    alpha = cv2.GaussianBlur(disc(), (0, 0), 6)
    rgb = composite(alpha)
    soft = (alpha >= low) & (alpha <= high)
    before = np.abs(rgb[soft] - np.array(ORANGE, float)).mean()
    foreground_colour(rgb, alpha)
    assert np.abs(rgb[soft] - np.array(ORANGE, float)).mean() < before / 3
