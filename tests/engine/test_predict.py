"""What the default pair of networks makes of a drawn picture."""

import cv2
import numpy as np
import pytest

from removal.engine.matting import predict, veil
from removal.engine.networks import session

SIDE = 1024


@pytest.fixture
def networks():
    return session.load(session.Settings(threads=2))


def distances():
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2 + 0.5
    return np.hypot(rows, columns) / (SIDE / 2)


def test_a_plain_ring_keeps_its_hole(networks):
    """The second network alone fills it."""
    reach = distances()
    ring, hole = (reach < 0.75) & (reach > 0.5), reach < 0.47
    picture = np.full((SIDE, SIDE, 3), 235, np.uint8)
    picture[ring] = (200, 150, 40)
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 1))
    second = predict._matte(predict.stretch(picture, veil.FRAME), networks.second)
    assert cv2.resize(second, (SIDE, SIDE))[hole].mean() > 0.9
    matte = predict.predict(picture, networks)
    assert matte[hole].mean() < 0.1
    assert matte[ring].mean() > 0.95
