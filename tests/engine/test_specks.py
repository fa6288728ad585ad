"""Which parts of a matte are no subject."""

import numpy as np

from removal.engine.matting import specks


def matte(*squares):
    """(row, column, side, value) each, on 1000 x 1000."""
    result = np.zeros((1000, 1000), np.float32)
    for row, column, side, value in squares:
        result[row : row + side, column : column + side] = value
    return result


def test_a_speck_beside_a_subject_goes():
    kept = specks.drop(matte((300, 300, 400, 1), (50, 50, 9, 1)))
    np.testing.assert_array_equal(kept, matte((300, 300, 400, 1)))


def test_a_part_of_a_ten_thousandth_of_the_frame_stays():
    both = matte((300, 300, 400, 1), (50, 50, 10, 1))
    np.testing.assert_array_equal(specks.drop(both), both)


def test_a_tiny_subject_stays_where_it_is_all_there_is():
    tiny = matte((500, 500, 4, 1))
    np.testing.assert_array_equal(specks.drop(tiny), tiny)


def test_tiny_parts_of_like_size_stay_together():
    birds = matte((100, 100, 8, 1), (500, 500, 9, 1), (700, 200, 7, 1))
    np.testing.assert_array_equal(specks.drop(birds), birds)


def test_a_haze_goes_however_wide():
    assert specks.drop(matte((100, 100, 600, 0.2))).max() == 0


def test_faint_parts_that_touch_the_subject_stay():
    """Hair, smoke, the thin end of a shadowed leg."""
    joined = matte((300, 300, 400, 0.1), (400, 400, 100, 1))
    np.testing.assert_array_equal(specks.drop(joined), joined)


def test_an_empty_matte_stays_empty():
    assert specks.drop(matte()).max() == 0
