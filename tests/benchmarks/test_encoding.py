"""The comparison of encoders: what it measures and when it complains."""

import numpy as np
import pytest

from benchmarks import encoding
from removal.engine.canvas import Canvas


def row(png=(1.0, 100), pillow=(10.0, 100), delta=(0.5, 40)) -> encoding.Row:
    return encoding.Row("cup", 25.0, png, pillow, delta)


def test_every_limit_kept_is_said_so():
    text, kept = encoding.told([row()])
    assert kept
    assert text.count("as wanted") == 4
    assert "NOT" not in text


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"pillow": (7.9, 100)}, "PNG's time / Pillow's 0.127, NOT as wanted"),
        ({"png": (1.0, 106)}, "PNG's size / Pillow's 1.060, NOT as wanted"),
        ({"delta": (1.0, 40)}, "delta PNG's time / PNG's 1.000, NOT as wanted"),
        ({"delta": (0.5, 46)}, "delta PNG's bytes / PNG's 0.460, NOT as wanted"),
    ],
)
def test_a_limit_that_is_not_kept_is_named(changed, complaint):
    text, kept = encoding.told([row(**changed)])
    assert not kept
    assert complaint in text
    assert text.count("NOT") == 1


def test_the_median_picture_counts():
    fur = row(delta=(0.9, 60))
    assert encoding.told([row(), fur, row()])[1]
    assert not encoding.told([row(), fur, fur])[1]


def test_the_encoders_are_given_the_same_cut_out():
    rng = np.random.default_rng(2)
    alpha = np.zeros((60, 80), np.uint8)
    alpha[20:40, 20:60] = 255
    canvas = Canvas(rng.integers(0, 256, (60, 80, 3), np.uint8), alpha)
    measured = encoding._measure("noise", canvas, 1)
    subject = 20 * 40 * 3  # noise does not compress
    assert measured.png[1] > subject
    assert measured.pillow[1] > subject
    assert measured.delta[1] < subject / 2
    assert measured.megapixels == 60 * 80 / 1e6
