"""From a small matte to exact edges and clean colours, in exact numbers where there are any."""

import numpy as np
import pytest

from removal.engine.matting.foreground import foreground_colour
from removal.engine.matting.refine import upsample_alpha


def plain(height, width, colour):
    return np.full((height, width, 3), colour, np.uint8)


@pytest.mark.parametrize(("value", "alpha"), [(0.0, 0), (1.0, 255), (0.012, 0), (0.99, 255)])
def test_a_certain_matte_is_wholly_clear_or_wholly_opaque(value, alpha):
    found = upsample_alpha(plain(300, 500, 90), np.full((64, 64), value, np.float32))
    assert found.shape == (300, 500)
    assert found.dtype == np.uint8
    assert (found == alpha).all()


def test_the_edge_moves_onto_the_photos_own():
    photo = plain(800, 800, (200, 30, 30))
    photo[:, 410:] = (20, 40, 200)
    matte = np.zeros((100, 100), np.float32)
    matte[:, :51] = 1.0
    matte[:, 51] = 0.25  # the photo's edge lies a quarter into this column
    alpha = upsample_alpha(photo, matte)
    truth = np.where(np.arange(800) < 410, 255, 0)
    error = np.abs(alpha[400].astype(int) - truth).sum() / 255
    assert error < 3  # pixels; plain interpolation is wrong by 8


def test_a_photo_smaller_than_the_matte_keeps_its_size():
    alpha = upsample_alpha(plain(1, 7, 50), np.ones((1024, 1024), np.float32))
    assert alpha.tolist() == [[255] * 7]


def test_tiles_meet_without_a_seam():
    rows = np.linspace(0, 1, 256, dtype=np.float32)
    matte = np.tile(rows[:, None], (1, 256))
    alpha = upsample_alpha(plain(1200, 1200, 128), matte).astype(int)
    assert np.abs(np.diff(alpha, axis=0)).max() <= 1
    assert np.abs(np.diff(alpha, axis=1)).max() == 0


def test_soft_edges_get_the_subjects_colour_not_a_mix():
    subject, ground = np.array([200, 180, 160]), np.array([20, 60, 220])
    alpha = np.zeros((64, 64), np.uint8)
    alpha[:, :24] = 255
    alpha[:, 24:40] = np.linspace(240, 16, 16).astype(np.uint8)
    share = alpha[..., None] / 255
    photo = np.round(subject * share + ground * (1 - share)).astype(np.uint8)
    copied = np.abs(photo[:, 24:40].astype(int) - subject).mean()
    foreground_colour(photo, alpha)
    corrected = np.abs(photo[:, 24:40].astype(int) - subject).mean()
    assert corrected < copied / 6


def test_colours_are_straight_not_darkened():
    """Over transparent black (200,180,160) at alpha 64 would become (50,45,40)."""
    photo, alpha = plain(40, 40, (200, 180, 160)), np.full((40, 40), 255, np.uint8)
    alpha[20:] = 64
    foreground_colour(photo, alpha)
    assert (photo == (200, 180, 160)).all()


def test_opaque_pixels_stay_the_photos_to_the_bit():
    rng = np.random.default_rng(7)
    photo = rng.integers(0, 256, (90, 110, 3), np.uint8)
    alpha = rng.choice(np.array([0, 128, 255], np.uint8), (90, 110))
    before = photo.copy()
    foreground_colour(photo, alpha)
    assert (photo[alpha == 255] == before[alpha == 255]).all()
