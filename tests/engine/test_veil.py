"""When the matte is raised and when it is left alone, on drawn mattes."""

import numpy as np
import pytest

from removal.engine.matting import veil

SIDE = 320
RED, GREEN = (200, 40, 40), (60, 140, 70)


def frame(value=0.0):
    return np.full((SIDE, SIDE), value, np.float32)


def square(matte, centre, half, value):
    (row, column) = centre
    matte[row - half : row + half, column - half : column + half] = value
    return matte


def photo(ground=GREEN):
    return np.full((SIDE, SIDE, 3), ground, np.uint8)


@pytest.fixture
def scene():
    """A red subject, certain to both networks, on green: main matte, second matte, photo."""
    main, second = square(frame(), (160, 160), 80, 1), square(frame(), (160, 160), 80, 1)
    picture = photo()
    picture[80:240, 80:240] = RED
    return main, second, picture


def test_a_hole_that_only_the_main_network_draws_is_filled(scene):
    main, second, picture = scene
    square(main, (160, 160), 30, 0.3)
    assert veil.lift(main, picture, second)[160, 160] > 0.95


def test_nothing_is_ever_lowered(scene):
    main, _, picture = scene
    numbers = np.random.default_rng(1)
    noise = numbers.random((SIDE, SIDE), np.float32)
    lifted = veil.lift(main, picture, noise)
    assert (lifted >= main).all()
    assert lifted.max() <= 1


def test_an_uncertain_second_network_is_not_believed(scene):
    main, second, picture = scene
    square(main, (160, 160), 30, 0)
    lifted = veil.lift(main, picture, second * 0.75)
    np.testing.assert_array_equal(lifted, main)


def test_a_narrow_dark_gap_stays_open(scene):
    main, second, picture = scene
    main[80:240, 156:164] = 0
    lifted = veil.lift(main, picture, second)
    assert lifted[160, 160] < 0.05


def test_where_both_agree_no_rim_is_drawn(scene):
    """The second network's edges are coarse: one pixel of its frame is many of the photo's."""
    main, second, picture = scene
    np.testing.assert_allclose(veil.lift(main, picture, second), main, atol=0.05)


def test_a_thing_that_only_the_second_network_sees_is_not_added(scene):
    main, second, picture = scene
    square(second, (290, 290), 20, 1)
    assert veil.lift(main, picture, second)[290, 290] == 0


def test_a_subject_that_the_main_network_misses_wholly_is_added():
    second = square(frame(), (160, 160), 60, 1)
    picture = photo()
    picture[100:220, 100:220] = RED
    assert veil.lift(frame(), picture, second)[160, 160] > 0.95


def test_a_glass_part_through_which_the_background_shows_is_filled_less(scene):
    main, second, picture = scene
    square(main, (160, 160), 40, 0.3)
    solid = veil.lift(main, picture, second)[160, 160]
    picture[120:200, 120:200] = GREEN
    glass = veil.lift(main, picture, second)[160, 160]
    assert glass < 0.65 < 0.95 < solid


def test_a_wide_veil_in_colours_foreign_to_the_background_becomes_solid(scene):
    """The second network sees nothing there; the colours decide."""
    main, second, picture = scene
    square(main, (160, 160), 40, 0.5)
    square(second, (160, 160), 50, 0)
    assert veil.lift(main, picture, second)[160, 160] > 0.95


def test_the_colours_decide_also_without_a_second_network(scene):
    main, _, picture = scene
    square(main, (160, 160), 40, 0.5)
    assert veil.lift(main, picture)[160, 160] > 0.95
    picture[110:210, 110:210] = GREEN
    assert veil.lift(main, picture)[160, 160] == pytest.approx(0.5, abs=0.02)


def test_a_wide_veil_in_the_backgrounds_colours_stays(scene):
    main, second, picture = scene
    square(main, (160, 160), 40, 0.5)
    square(second, (160, 160), 50, 0)
    picture[110:210, 110:210] = GREEN
    assert veil.lift(main, picture, second)[160, 160] == pytest.approx(0.5, abs=0.02)


def test_a_thin_half_transparent_strip_stays(scene):
    """Hair and soft edges."""
    main, second, picture = scene
    main[80:240, 240:246] = 0.5
    picture[80:240, 240:246] = RED
    lifted = veil.lift(main, picture, second)
    assert lifted[160, 243] == pytest.approx(0.5, abs=0.02)


def test_an_empty_matte_stays_empty():
    assert veil.lift(frame(), photo(), frame()).max() == 0


def test_the_matte_keeps_its_own_size(scene):
    main, second, picture = scene
    large = np.kron(main, np.ones((4, 4), np.float32))
    assert veil.lift(large, picture, second).shape == (1280, 1280)
