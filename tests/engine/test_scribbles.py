"""A person's scribbles mend a matte where they are, and nowhere else."""

import itertools

import cv2
import numpy as np
import pytest

from removal.engine import mend

GROUND, SUBJECT, OTHER = (70, 90, 60), (190, 60, 50), (60, 80, 180)


def made(*discs, size=(320, 240), noise=6):
    """A noisy picture of coloured discs (x, y, radius, colour) and each disc's mask."""
    width, height = size
    rgb = np.full((height, width, 3), GROUND, np.uint8)
    masks = []
    for x, y, radius, colour in discs:
        mask = np.zeros((height, width), np.uint8)
        cv2.circle(mask, (x, y), radius, 1, -1)
        rgb[mask > 0] = colour
        masks.append(mask > 0)
    grain = np.random.default_rng(5).normal(0, noise, rgb.shape)
    return np.clip(rgb + grain, 0, 255).astype(np.uint8), *masks


def dotted(shape, *points, radius=3):
    mask = np.zeros(shape, np.uint8)
    for point in points:
        cv2.circle(mask, point, radius, 1, -1)
    return mask > 0


def none(matte):
    return np.zeros(matte.shape, bool)


def overlap(matte, truth):
    found = matte > 0.5
    return (found & truth).sum() / (found | truth).sum()


def test_one_keep_scribble_brings_back_what_was_missing():
    rgb, disc = made((160, 120, 50, SUBJECT))
    matte = disc.astype(np.float32)
    matte[:, 165:] = 0
    result = mend(rgb, matte, dotted(matte.shape, (190, 120), radius=5), none(matte))
    assert overlap(matte, disc) < 0.6
    assert overlap(result, disc) > 0.97
    assert np.abs(result - disc).mean() < 0.01


def test_the_new_border_follows_what_is_finer_than_the_grid_of_the_cut():
    down, across = np.mgrid[:960, :1280]
    angle, away = np.arctan2(down - 480, across - 640), np.hypot(down - 480, across - 640)
    gear = away < 240 + 32 * np.sign(np.sin(16 * angle))
    colours = np.where(gear[..., None], SUBJECT, GROUND)
    grain = np.random.default_rng(5).normal(0, 6, colours.shape)
    rgb = np.clip(colours + grain, 0, 255).astype(np.uint8)
    matte = gear.astype(np.float32)
    matte[:, 660:] = 0
    result = mend(rgb, matte, dotted(matte.shape, (760, 480), radius=20), none(matte))
    assert overlap(result, gear) > 0.99
    assert np.abs(result - gear).mean() < 0.001


def test_one_remove_scribble_takes_a_second_object_away():
    rgb, disc, other = made((100, 120, 40, SUBJECT), (230, 120, 35, OTHER))
    matte = (disc | other).astype(np.float32)
    result = mend(rgb, matte, none(matte), dotted(matte.shape, (230, 120), radius=5))
    assert overlap(result, disc) > 0.97
    assert np.abs(result - disc).mean() < 0.01


def test_a_point_on_an_object_that_nothing_was_seen_of_finds_it():
    rgb, disc = made((160, 120, 40, SUBJECT))
    matte = np.zeros(disc.shape, np.float32)
    result = mend(rgb, matte, dotted(matte.shape, (160, 120), radius=4), none(matte))
    assert overlap(result, disc) > 0.9


def test_fronds_of_an_object_that_nothing_was_seen_of_are_found():
    rgb, disc = made((256, 192, 40, SUBJECT), size=(512, 384))
    for angle in np.linspace(0, 2 * np.pi, 30, endpoint=False):
        tip = int(256 + 80 * np.cos(angle)), int(192 + 80 * np.sin(angle))
        cv2.line(rgb, (256, 192), tip, SUBJECT, 3)
        cv2.line(disc.view(np.uint8), (256, 192), tip, 1, 3)
    matte = np.zeros(disc.shape, np.float32)
    result = mend(rgb, matte, dotted(matte.shape, (256, 192), radius=12), none(matte))
    assert overlap(result, disc) > 0.99


def test_what_is_marked_is_so():
    rgb, disc = made((160, 120, 50, SUBJECT))
    keep, remove = dotted(disc.shape, (20, 20)), dotted(disc.shape, (160, 120))
    result = mend(rgb, disc.astype(np.float32), keep, remove)
    assert (result[keep] == 1).all()
    assert (result[remove] == 0).all()


def test_hair_beside_a_scribble_stays_hair():
    rgb, disc = made((160, 130, 50, SUBJECT), noise=2)
    matte = cv2.GaussianBlur(disc.astype(np.float32), (0, 0), 1)
    for x in range(120, 201, 8):
        cv2.line(rgb, (x, 90), (x, 50), SUBJECT, 1, cv2.LINE_AA)
        cv2.line(matte, (x, 90), (x, 50), 0.6, 1, cv2.LINE_AA)
    missing = matte.copy()
    missing[110:150, 150:200] = 0
    result = mend(rgb, missing, dotted(matte.shape, (175, 130), radius=5), none(matte))
    hair = (slice(50, 78), slice(116, 206))
    assert np.abs(result[hair] - matte[hair]).mean() < 0.02
    assert np.abs(result - matte).mean() < 0.02


def test_a_scribble_that_only_confirms_the_matte_leaves_it():
    rgb, disc, _ = made((110, 120, 50, SUBJECT), (240, 120, 35, SUBJECT))
    matte = disc.astype(np.float32)
    keep, remove = (
        dotted(disc.shape, (120, 130), radius=6),
        dotted(disc.shape, (240, 120), radius=6),
    )
    for marks in ((keep, none(matte)), (none(matte), remove), (keep, remove)):
        assert np.abs(mend(rgb, matte, *marks) - matte).mean() < 0.001


def test_what_is_far_from_every_scribble_keeps_its_very_values():
    rgb, disc = made((160, 120, 60, SUBJECT))
    matte = np.random.default_rng(1).random(disc.shape, np.float32)
    for point in ((5, 5), (160, 120), (310, 230)):
        scribble = dotted(disc.shape, point)
        away = cv2.distanceTransform((~scribble).astype(np.uint8), cv2.DIST_L2, 5) > 320 / 4
        for marks in ((scribble, none(matte)), (none(matte), scribble)):
            assert np.array_equal(mend(rgb, matte, *marks)[away], matte[away])


def test_no_scribble_is_no_change():
    rgb, disc = made((160, 120, 50, SUBJECT))
    matte = disc.astype(np.float32)
    assert mend(rgb, matte, none(matte), none(matte)) is matte


def test_the_same_scribbles_give_the_same_and_leave_their_arrays_alone():
    rgb, disc = made((160, 120, 50, SUBJECT))
    given = rgb, disc * np.float32(0.5), dotted(disc.shape, (150, 120)), dotted(disc.shape, (9, 9))
    before = [array.copy() for array in given]
    assert np.array_equal(mend(*given), mend(*given))
    assert all(np.array_equal(a, b) for a, b in zip(given, before, strict=True))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 2), (3, 4000), (4000, 3), (257, 255)])
def test_any_shape_is_mended(size):
    rng = np.random.default_rng(3)
    rgb = rng.integers(0, 256, (*size, 3), np.uint8)
    matte = rng.random(size, np.float32)
    everything, nothing, point = np.ones(size, bool), np.zeros(size, bool), np.zeros(size, bool)
    point[size[0] // 2, size[1] // 2] = True
    for keep, remove in itertools.permutations((everything, nothing, point), 2):
        if (keep & remove).any():
            continue
        result = mend(rgb, matte, keep, remove)
        assert result.shape == size
        assert result.dtype == np.float32
        assert result.min() >= 0
        assert result.max() <= 1
        assert (result[keep] == 1).all()
        assert (result[remove] == 0).all()


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_picture_of_one_colour_is_mended(level):
    rgb = np.full((60, 80, 3), level, np.uint8)
    matte = np.full((60, 80), 0.5, np.float32)
    result = mend(rgb, matte, dotted(matte.shape, (20, 30)), dotted(matte.shape, (60, 30)))
    assert np.isfinite(result).all()


def test_a_single_pixel_of_a_large_picture_counts():
    rgb, disc = made((800, 600, 250, SUBJECT), size=(1600, 1200))
    matte = disc.astype(np.float32)
    matte[:, 850:] = 0
    keep = none(matte)
    keep[600, 950] = True
    assert overlap(mend(rgb, matte, keep, none(matte)), disc) > 0.97


def test_contradictions_and_other_sizes_are_refused():
    rgb, disc = made((160, 120, 50, SUBJECT))
    matte, mark = disc.astype(np.float32), dotted(disc.shape, (9, 9))
    with pytest.raises(ValueError, match="both"):
        mend(rgb, matte, mark, mark)
    with pytest.raises(ValueError, match="size"):
        mend(rgb, matte, mark[:-1], none(matte))
