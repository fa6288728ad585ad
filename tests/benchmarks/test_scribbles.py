"""The simulated person of the benchmark of scribbles."""

import cv2
import numpy as np

from benchmarks import scribbles


def test_a_line_through_a_ring_ends_and_stays_in_it():
    ring = np.zeros((512, 512), np.uint8)
    cv2.circle(ring, (256, 256), 30, 1, 9)
    line, radius = scribbles._line(ring > 0)
    assert 5 < len(line) < 60
    assert all(ring[y, x] for x, y in line)
    assert 1 <= radius <= 5
