"""From a photo to the matte: what the network is shown, and what it says of plain pictures."""

import numpy as np
import pytest

from removal.engine.matting import predict as mask
from removal.engine.networks import session, tensors
from removal.engine.networks.recipes import HALF, IMAGENET, IMAGENET_BY_PEAK


def test_shrinking_averages_every_pixel():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    assert (mask.stretch(stripes, 32) == 100).all()


def test_one_direction_may_shrink_while_the_other_grows():
    picture = np.full((10, 100, 3), (10, 20, 30), np.uint8)
    stretched = mask.stretch(picture, 32)
    assert stretched.shape == (32, 32, 3)
    assert (stretched == (10, 20, 30)).all()


@pytest.mark.parametrize(
    ("normalisation", "expected"),
    [
        (HALF, [72 / 256, -28 / 256, -128 / 256]),
        (IMAGENET, [(200 / 255 - 0.485) / 0.229, (100 / 255 - 0.456) / 0.224, -0.406 / 0.225]),
        (IMAGENET_BY_PEAK, [(1 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, -0.406 / 0.225]),
    ],
)
def test_normalises_as_the_authors_do(normalisation, expected):
    picture = np.full((4, 4, 3), (200, 100, 0), np.uint8)
    tensor = tensors.normalise(picture, normalisation)
    assert tensor.shape == (1, 3, 4, 4)
    assert tensor.dtype == np.float32
    np.testing.assert_allclose(tensor[0, :, 2, 2], expected, rtol=1e-5)


def predict(picture):
    networks = session.networks()
    return mask.predict(mask.stretch(picture, networks.main.side), networks)


def plain(colour):
    return np.full((300, 400, 3), colour, np.uint8)


def gradient():
    ramp = np.linspace(40, 220, 400).astype(np.uint8)
    return np.dstack([np.tile(ramp, (300, 1))] * 3)


@pytest.mark.parametrize(
    "picture",
    [plain(0), plain(128), plain(255), plain((30, 120, 200)), gradient()],
    ids=["black", "grey", "white", "blue", "gradient"],
)
def test_a_picture_without_a_subject_comes_out_empty(picture):
    matte = predict(picture)
    assert matte.max() < 0.1


def test_a_plain_subject_on_a_plain_ground_is_found():
    picture = plain((235, 235, 230))
    rows, columns = np.mgrid[:300, :400]
    disc = (rows - 150) ** 2 + (columns - 200) ** 2 < 80**2
    picture[disc] = (180, 30, 40)
    matte = predict(picture)
    found = matte[:: matte.shape[0] // 64, :: matte.shape[1] // 64] > 0.5
    assert found[32, 32]
    assert not found[2, 2]
    assert 0.8 * disc.mean() < (matte > 0.5).mean() < 1.2 * disc.mean()
