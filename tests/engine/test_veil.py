"""When the matte is raised, lowered and left alone, on drawn mattes."""

import cv2
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


def test_a_doubtful_side_of_which_the_second_network_is_certain_is_filled(scene):
    """In colours that both have, so that these do not decide."""
    main, second, picture = scene
    main[80:240, 180:240] = 0.3
    picture[80:240, 180:240] = (90, 90, 200)
    picture[250:310, 10:310] = (90, 90, 200)
    main_alone = veil.correct(main, picture)[160, 210]
    assert main_alone < 0.35
    assert veil.correct(main, picture, second)[160, 210] > 0.55


def test_a_hole_that_the_subject_shuts_in_is_not_filled(scene):
    main, second, picture = scene
    square(main, (160, 160), 30, 0.08)
    picture[130:190, 130:190] = GREEN
    corrected = veil.correct(main, picture, second)
    np.testing.assert_allclose(corrected[130:190, 130:190], main[130:190, 130:190], atol=0.02)


def test_the_hole_of_a_ring_stays_clear():
    """Also where the main network leaves a haze in it and the second one fills it."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    reach = np.hypot(rows, columns)
    ring, hole = (reach < 110) & (reach > 60), reach < 60
    picture = photo()
    picture[ring] = RED
    main = np.where(ring, 1, np.where(hole, 0.07, 0)).astype(np.float32)
    second = (reach < 110).astype(np.float32)
    corrected = veil.correct(main, picture, second)
    assert corrected[reach < 56].max() < 0.1
    assert corrected[ring].min() > 0.95


def test_haze_in_the_backgrounds_colours_is_lowered_where_the_second_network_says_clear(scene):
    main, second, picture = scene
    main[240:300, 80:240] = 0.4
    assert veil.correct(main, picture, second)[270, 160] < 0.05


@pytest.mark.parametrize("doubt", ["colours", "second network"])
def test_haze_is_left_where_either_witness_speaks_for_the_subject(scene, doubt):
    main, second, picture = scene
    main[240:300, 80:240] = 0.12
    if doubt == "colours":
        picture[240:300, 80:240] = RED
    else:
        second[238:302, 78:242] = 1
    assert veil.correct(main, picture, second)[270, 160] > 0.11


def test_a_thin_haze_of_the_backgrounds_colours_stays(scene):
    """Hair before a ground of its own colour."""
    main, second, picture = scene
    main[80:240, 240:246] = 0.4
    assert veil.correct(main, picture, second)[160, 243] == pytest.approx(0.4, abs=0.02)


def test_a_matte_without_doubt_is_unchanged(scene):
    """Whatever the second network says."""
    main, _, picture = scene
    for second in (frame(0), frame(1), np.random.default_rng(1).random((SIDE, SIDE), np.float32)):
        np.testing.assert_array_equal(veil.correct(main, picture, second), main)


def test_the_matte_stays_within_its_bounds(scene):
    main, _, picture = scene
    noise, second = np.random.default_rng(1).random((2, SIDE, SIDE), np.float32)
    corrected = veil.correct(noise * main, picture, second)
    assert corrected.min() >= 0
    assert corrected.max() <= 1


def test_without_a_second_network_nothing_is_lowered(scene):
    _, _, picture = scene
    noise = np.random.default_rng(1).random((SIDE, SIDE), np.float32)
    assert (veil.correct(noise, picture) >= noise).all()


def test_an_uncertain_second_network_is_not_believed(scene):
    main, second, picture = scene
    square(main, (160, 160), 30, 0)
    corrected = veil.correct(main, picture, second * 0.75)
    np.testing.assert_array_equal(corrected, main)


def test_a_narrow_dark_gap_stays_open(scene):
    main, second, picture = scene
    main[80:240, 156:164] = 0
    corrected = veil.correct(main, picture, second)
    assert corrected[160, 160] < 0.05


def test_where_both_agree_no_rim_is_drawn(scene):
    """The second network's edges are coarse: one pixel of its frame is many of the photo's."""
    main, second, picture = scene
    np.testing.assert_allclose(veil.correct(main, picture, second), main, atol=0.05)


def test_a_thing_that_only_the_second_network_sees_is_not_added(scene):
    main, second, picture = scene
    square(second, (290, 290), 20, 1)
    assert veil.correct(main, picture, second)[290, 290] == 0


def test_a_part_through_which_the_background_shows_is_filled_less(scene):
    """Glass, at the subject's side."""
    main, second, picture = scene
    main[80:240, 180:240] = 0.3
    picture[80:240, 180:240] = RED
    solid = veil.correct(main, picture, second)[160, 210]
    picture[80:240, 180:240] = GREEN
    glass = veil.correct(main, picture, second)[160, 210]
    assert glass < 0.65 < 0.95 < solid


def test_a_wide_veil_in_colours_foreign_to_the_background_becomes_solid(scene):
    """The second network sees nothing there; the colours decide."""
    main, second, picture = scene
    square(main, (160, 160), 40, 0.5)
    square(second, (160, 160), 50, 0)
    assert veil.correct(main, picture, second)[160, 160] > 0.95


def test_the_colours_decide_also_without_a_second_network(scene):
    main, _, picture = scene
    square(main, (160, 160), 40, 0.5)
    assert veil.correct(main, picture)[160, 160] > 0.95
    picture[110:210, 110:210] = GREEN
    assert veil.correct(main, picture)[160, 160] == pytest.approx(0.5, abs=0.02)


def test_a_thin_half_transparent_strip_stays(scene):
    """Hair and soft edges."""
    main, second, picture = scene
    main[80:240, 240:246] = 0.5
    picture[80:240, 240:246] = RED
    corrected = veil.correct(main, picture, second)
    assert corrected[160, 243] == pytest.approx(0.5, abs=0.02)


def test_an_empty_matte_stays_empty():
    assert veil.correct(frame(), photo(), frame()).max() == 0


def test_the_matte_keeps_its_own_size(scene):
    main, second, picture = scene
    large = np.kron(main, np.ones((4, 4), np.float32))
    assert veil.correct(large, picture, second).shape == (1280, 1280)


def test_a_second_opinion_is_asked_for_where_wide_areas_are_in_doubt(scene):
    main, _, _ = scene
    assert not veil.is_doubtful(main)
    assert not veil.is_doubtful(cv2.GaussianBlur(main, (0, 0), 1))
    main[80:240, 180:240] = 0.4
    assert veil.is_doubtful(main)


@pytest.mark.parametrize("share", [0.02, 0.04, 0.05, 0.06, 0.2])
def test_the_quick_look_answers_as_the_whole_search_does(share):
    """Blotches of any alpha, with openings in them, of about the share that decides."""
    numbers = np.random.default_rng(int(share * 100))
    answers = []
    for _ in range(8):
        main = square(frame(), (160, 160), 100, 1)
        for _ in range(int(share * 100 * 6)):
            centre = numbers.integers(12, SIDE - 12, 2)
            main = square(main, centre, int(numbers.integers(3, 9)), numbers.random())
        missing = veil._wide(veil._open_to_doubt(main) * (1 - main)) > veil.MISSING
        whole = missing.mean() + veil._wide_haze(main).mean() > veil.DOUBTFUL_SHARE
        assert veil.is_doubtful(main) == whole
        answers.append(whole)
    assert share not in (0.02, 0.2) or set(answers) == {share == 0.2}
