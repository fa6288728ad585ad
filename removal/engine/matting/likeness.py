"""Whether a colour is more like one set of pixels than like another.

Colour histograms as in Boykov and Jolly, "Interactive Graph Cuts", ICCV 2001, softened so that
neighbouring colours count.
"""

import cv2
import numpy as np
import numpy.typing as npt

from ..arrays import Bytes, Floats, Mask

Codes = npt.NDArray[np.int32]

BINS = 16  # a channel
RARE = 2e-4  # added to each share: what was not seen is unlikely, not impossible
MOST = 4.0  # of the logarithm of a ratio, either way


def lab_of(rgb: Bytes) -> Floats:
    """L 0..255 and a, b -256..254, stretched as colours lie close together there; float32."""
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    lab[..., 1:] = (lab[..., 1:] - 128) * 2
    return lab


def codes_of(lab: Floats) -> Codes:
    """The bin of each pixel's colour, int32 (h, w)."""
    shifted = lab + np.array([0, 128, 128], np.float32)
    bins = np.clip(shifted * (BINS / 256), 0, BINS - 1).astype(np.int32)
    return np.asarray((bins[..., 0] * BINS + bins[..., 1]) * BINS + bins[..., 2], np.int32)


def ratio(codes: Codes, these: Floats | Mask, those: Floats | Mask) -> Floats:
    """The logarithm of how much likelier the colour is among these than among those, weights
    float (h, w), averaged over 3 x 3 pixels. Returns float32 (h, w)."""
    here, there = _shares(codes, these), _shares(codes, those)
    logs = np.log((here[codes] + RARE) / (there[codes] + RARE))
    return np.asarray(cv2.blur(np.clip(logs, -MOST, MOST).astype(np.float32), (3, 3)), np.float32)


def _shares(codes: Codes, weights: Floats | Mask) -> Floats:
    """Of each bin, a quarter of it moved to either neighbour along each channel."""
    counts = np.bincount(codes.ravel(), weights.ravel().astype(np.float64), BINS**3)
    grid = np.asarray(counts, np.float64).reshape(BINS, BINS, BINS)
    for axis in range(3):
        grid = np.moveaxis(grid, axis, 0)
        spread = grid / 2
        spread[1:] += grid[:-1] / 4
        spread[:-1] += grid[1:] / 4
        grid = np.moveaxis(spread, 0, axis)
    return grid.ravel() / max(float(grid.sum()), 1e-9)
