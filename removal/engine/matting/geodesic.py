"""How far a pixel is from a scribble when edges are hard to cross.

Geodesic distances for scribbles: Bai and Sapiro, "A Geodesic Framework for Fast Interactive Image
and Video Segmentation and Matting", ICCV 2007.
"""

import cv2
import numpy as np

from ..arrays import Floats, Mask
from .marks import size_of

SIDE = 128  # of the grid the ways are walked on: this many steps cross it
MOST_ROUNDS = 2 * SIDE  # a way that winds more often than this ends early
FAR = 10.0  # the distance where there is no seed
BASE, EDGE, CONTOUR = 0.1, 0.5, 8.0  # what a step costs: always, over an edge, over the matte's
_STEPS = ((0, 1, 1.0), (1, 0, 1.0), (1, 1, 2**0.5), (1, -1, 2**0.5))


def cost(lab: Floats, matte: Floats) -> Floats:
    """What a pixel costs to cross: more on edges of the colours, float32 (h, w, 3), and of the
    matte, float32 (h, w). Returns float32 (h, w)."""
    edges = _slope(np.asarray(cv2.GaussianBlur(lab, (0, 0), 0.8), np.float32))
    edges = edges / (edges.mean() + 1e-3)
    down, across = _derivatives(matte)
    contour = np.abs(down) + np.abs(across)
    return np.asarray(BASE + EDGE * edges + CONTOUR * contour * 2, np.float32)


def distance(seed: Mask, price: Floats) -> Floats:
    """The cheapest way from any pixel of the seed, bool (h, w), over prices float32 (h, w), in
    sides of the picture. Returns float32 (h, w)."""
    height, width = seed.shape
    size = size_of(seed.shape, SIDE)
    found = cv2.resize(seed.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.05
    if not found.any():
        return np.full(seed.shape, FAR, np.float32)
    small = np.asarray(cv2.resize(price, size, interpolation=cv2.INTER_AREA), np.float32)
    walked = _walked(found, small) / SIDE
    return np.asarray(cv2.resize(walked, (width, height)), np.float32)


def _walked(seed: Mask, price: Floats) -> Floats:
    """Relaxes every step of the grid until nothing becomes cheaper."""
    field = np.where(seed, 0, 1e3).astype(np.float32)
    links = [_link(field, price, *step) for step in _STEPS]
    for round_ in range(MOST_ROUNDS):
        before = field.copy() if round_ % 8 == 7 else None
        for here, there, toll in links:
            np.minimum(here, there + toll, out=here)
            np.minimum(there, here + toll, out=there)
        if before is not None and np.array_equal(before, field):
            break
    return field


def _link(
    field: Floats, price: Floats, down: int, across: int, length: float
) -> tuple[Floats, Floats, Floats]:
    """Two views of the field, one step apart, and what each step between them costs."""
    height, width = field.shape
    here = slice(down, height), slice(max(across, 0), width + min(across, 0))
    there = slice(0, height - down), slice(max(-across, 0), width - max(across, 0))
    toll = (price[here] + price[there]) * np.float32(length / 2)
    return field[here], field[there], toll


def _slope(lab: Floats) -> Floats:
    """The length of the colours' gradient, float32 (h, w)."""
    square = np.zeros(lab.shape[:2], np.float32)
    for channel in range(3):
        for derivative in _derivatives(np.ascontiguousarray(lab[..., channel])):
            square += derivative**2
    return np.sqrt(square)


def _derivatives(plane: Floats) -> tuple[Floats, Floats]:
    """Per pixel, by Sobel's masks."""
    across = cv2.Sobel(plane, cv2.CV_32F, 1, 0, ksize=3) / 8
    down = cv2.Sobel(plane, cv2.CV_32F, 0, 1, ksize=3) / 8
    return np.asarray(down, np.float32), np.asarray(across, np.float32)
