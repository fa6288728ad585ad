"""What is worked out tile by tile is what would be worked out whole."""

import cv2
import numpy as np
import pytest

from removal.engine import tiles
from removal.engine.matting import foreground, refine


@pytest.mark.parametrize("shape", [(1, 1), (127, 700), (1000, 1000), (4100, 6000)])
def test_tiles_cover_each_pixel_once(shape):
    seen = np.zeros(shape, np.uint8)
    for tile in tiles.tiles_of(shape):
        seen[tile.window] += 1
        assert seen[tile.window].shape == tile.shape
    assert (seen == 1).all()


@pytest.mark.parametrize("field_shape", [(100, 80), (320, 320), (700, 900)])
def test_a_stretched_part_is_that_part_of_the_stretched_whole(field_shape):
    field = np.random.default_rng(1).random((*field_shape, 4), np.float32)
    shape = (700, 900)
    whole = cv2.resize(field, shape[::-1], interpolation=cv2.INTER_LINEAR)
    grid = tiles.Grid(field_shape, shape)
    for tile in tiles.tiles_of(shape):
        under = grid.under(tile)
        part = grid.stretch(np.ascontiguousarray(field[under.window]), under, tile)
        assert np.abs(part - whole[tile.window]).max() < 0.04  # the step of OpenCV's fixed point


def noisy_subject(side=900):
    rng = np.random.default_rng(5)
    rgb = cv2.GaussianBlur(rng.integers(0, 256, (side, side, 3), np.uint8), (0, 0), 3)
    y, x = np.mgrid[:side, :side]
    matte = np.clip((side / 3 - np.hypot(y - side / 2, x - side / 2)) / 40 + 0.5, 0, 1)
    return np.asarray(rgb, np.uint8), matte.astype(np.float32)


def one_tile(shape):
    return [tiles.Tile(0, shape[0], 0, shape[1])]


def test_the_matte_does_not_depend_on_the_tiles(monkeypatch):
    rgb, matte = noisy_subject()
    tiled = refine.upsample_alpha(rgb, matte)
    monkeypatch.setattr(refine, "tiles_of", one_tile)
    whole = refine.upsample_alpha(rgb, matte)
    assert np.abs(tiled.astype(int) - whole).max() <= 1


def test_the_colours_do_not_depend_on_the_tiles(monkeypatch):
    rgb, matte = noisy_subject()
    alpha = (matte * 255).astype(np.uint8)
    tiled, whole = rgb.copy(), rgb.copy()
    foreground.foreground_colour(tiled, alpha)
    monkeypatch.setattr(foreground, "tiles_of", one_tile)
    foreground.foreground_colour(whole, alpha)
    assert np.abs(tiled.astype(int) - whole).max() <= 1


def test_a_frame_that_the_caller_has_gives_the_same(monkeypatch):
    rgb, matte = noisy_subject(1500)
    frame = cv2.resize(rgb, (1024, 1024), interpolation=cv2.INTER_AREA)
    small = cv2.resize(matte, (1024, 1024), interpolation=cv2.INTER_AREA)
    with_frame = refine.upsample_alpha(rgb, small, frame)
    assert (with_frame == refine.upsample_alpha(rgb, small)).all()
    first, second = rgb.copy(), rgb.copy()
    foreground.foreground_colour(first, with_frame)
    foreground.foreground_colour(second, with_frame, frame)
    assert (first == second).all()
