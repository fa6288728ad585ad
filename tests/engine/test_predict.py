"""What the default pair of networks makes of a drawn picture."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from removal.engine.matting import predict, veil
from removal.engine.networks import session

SIDE = 1024


@pytest.fixture
def networks():
    return session.load(session.Settings(threads=2))


@pytest.fixture
def counted(networks):
    """The networks, and a list that grows by one with each run of the second."""
    runs = []

    def run(tensor):
        runs.append(tensor.shape)
        return networks.second.run(tensor)

    return replace(networks, second=replace(networks.second, run=run)), runs


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
    second = networks.second.matte(predict.stretch(picture, veil.FRAME))
    assert cv2.resize(second, (SIDE, SIDE))[hole].mean() > 0.9
    matte = predict.predict(picture, networks)
    assert matte[hole].mean() < 0.1
    assert matte[ring].mean() > 0.95


def test_where_the_main_network_is_sure_the_second_one_costs_nothing(counted):
    networks, runs = counted
    picture = np.full((SIDE, SIDE, 3), 235, np.uint8)
    picture[distances() < 0.6] = (200, 40, 40)
    matte = predict.predict(picture, networks)
    assert matte[SIDE // 2, SIDE // 2] > 0.95
    assert not runs
