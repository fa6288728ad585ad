"""Long pictures: between bars in the networks' square frame, others stretched to it."""

import numpy as np
import pytest
from PIL import Image

from removal.engine import remove_background
from removal.engine.matting import letterbox, predict
from tests import pictures


@pytest.mark.parametrize("size", [(31, 90), (90, 31), (40, 50), (64, 64), (1, 2)])
def test_usual_proportions_are_stretched(size):
    photo = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)

    frame, window = letterbox.framed(photo, 32)

    assert np.array_equal(frame, predict.stretch(photo, 32))
    assert frame[window].shape == frame.shape


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ((20, 160), (8, 32)),
        ((160, 20), (32, 8)),
        ((2, 7), (18, 32)),
        ((1, 5000), (1, 32)),
        ((5000, 1), (32, 1)),
    ],
)
def test_a_long_picture_is_stretched_to_two_to_one_and_lies_between_bars(size, shape):
    photo = np.full((*size, 3), (200, 30, 60), np.uint8)

    frame, window = letterbox.framed(photo, 32)

    assert frame.shape == (32, 32, 3)
    assert frame[window].shape[:2] == shape
    assert (frame[window] == (200, 30, 60)).all()
    bars = np.ones((32, 32), bool)
    bars[window] = False
    assert (frame[bars] == letterbox.BAR).all()


@pytest.mark.parametrize("turned", [False, True])
def test_a_subject_in_a_long_picture_is_whole(turned):
    """A portrait in the middle of a banner of five times its width."""
    person = Image.open(pictures.SAMPLES / "astronaut.jpg").convert("RGB").resize((160, 160))
    banner = Image.new("RGB", (800, 160), (96, 118, 140))
    banner.paste(person.crop((0, 0, 160, 160)), (320, 0))
    if turned:
        banner = banner.transpose(Image.Transpose.ROTATE_90)

    alpha = pictures.pixels(remove_background(pictures.encoded(banner)).content)[..., 3]

    alpha = np.rot90(alpha, -1) if turned else alpha
    assert alpha.shape == (160, 800)
    assert alpha[:, :300].mean() < 10
    assert alpha[:, 500:].mean() < 10
    assert alpha[60:150, 380:410].mean() > 200
