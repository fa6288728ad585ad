"""How far a matte is from the truth. All take float32 (h, w) in 0..1; less is better unless said.

mae    mean absolute difference
sadt   sum of absolute differences in the transition band, in thousands: hair and edges
grad   gradient error, in thousands (Rhemann et al., "A Perceptually Motivated Online Benchmark for
       Image Matting", CVPR 2009): squared differences of gradient magnitudes, Gaussian of sigma 1.4
iou    intersection over union, both cut at 0.5; more is better
max_f  the best F-measure of all thresholds (beta^2 = 0.3, as in salient object detection), for
       truths without soft edges; more is better
hole   the mean alpha of background that the subject encloses
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Matte = NDArray[np.float32]

_BETA_SQUARED = 0.3
_HOLE = 5e-4  # of the frame
_SIGMA = 1.4
_NEGLIGIBLE = 1e-2  # of a Gaussian's peak: where the filter is cut off
_BAND_SHARE, _BAND_LEAST = 0.01, 3  # the band's reach: 1 % of the shorter side, 3 pixels at least


def mae(found: Matte, truth: Matte) -> float:
    return float(np.abs(found - truth).mean())


def sadt(found: Matte, truth: Matte) -> float:
    return float(np.abs(found - truth)[transition_band(truth)].sum() / 1000)


def transition_band(truth: Matte) -> NDArray[np.bool_]:
    """Pixels whose neighbourhood is neither wholly background nor wholly foreground."""
    reach = max(_BAND_LEAST, round(_BAND_SHARE * min(truth.shape)))
    window = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.asarray((cv2.dilate(truth, window) > 0) & (cv2.erode(truth, window) < 1))


def grad(found: Matte, truth: Matte) -> float:
    return float(((_steepness(found) - _steepness(truth)) ** 2).sum() / 1000)


def _steepness(matte: Matte) -> Matte:
    """The gradient's magnitude, by derivatives of a Gaussian of unit energy."""
    peak = 1 / (math.sqrt(2 * math.pi) * _SIGMA)
    reach = math.ceil(_SIGMA * math.sqrt(2 * math.log(peak / _NEGLIGIBLE)))
    at = np.arange(-reach, reach + 1)
    smooth = peak * np.exp(-(at**2) / (2 * _SIGMA**2))
    slope = -at * smooth / _SIGMA**2
    energy = math.sqrt((smooth**2).sum() * (slope**2).sum())
    x, y = (
        cv2.sepFilter2D(matte, cv2.CV_32F, kernel_x, kernel_y, borderType=cv2.BORDER_REPLICATE)
        for kernel_x, kernel_y in ((slope / energy, smooth), (smooth, slope / energy))
    )
    return np.asarray(np.hypot(x, y), np.float32)


def iou(found: Matte, truth: Matte) -> float:
    inside, wanted = found >= 0.5, truth >= 0.5
    union = np.count_nonzero(inside | wanted)
    return np.count_nonzero(inside & wanted) / union if union else 1.0


def max_f(found: Matte, truth: Matte) -> float:
    """NaN where the truth has soft edges or no foreground: the measure is not defined there."""
    wanted = truth > 0.5
    if not wanted.any() or is_soft(truth):
        return math.nan
    levels = (found * 255 + 0.5).astype(np.uint8)
    # How many pixels, and how many right ones, reach each level or a higher one.
    reached = np.bincount(levels.ravel(), minlength=256)[::-1].cumsum()
    right = np.bincount(levels[wanted], minlength=256)[::-1].cumsum()
    precision, recall = right / np.maximum(reached, 1), right / wanted.sum()
    weighed = _BETA_SQUARED * precision + recall
    scores = (1 + _BETA_SQUARED) * precision * recall / np.maximum(weighed, 1e-12)
    return float(scores.max())


def hole_alpha(found: Matte, truth: Matte) -> float:
    """NaN where the truth has no hole: an enclosed part of the background of _HOLE of the frame."""
    ground = (truth < 0.5).astype(np.uint8)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(ground)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    large = np.flatnonzero(statistics[:, cv2.CC_STAT_AREA] > _HOLE * truth.size)
    holes = np.isin(labels, np.setdiff1d(large, border)) & (ground > 0) & (truth < 0.05)
    return float(found[holes].mean()) if holes.any() else math.nan


def is_soft(truth: Matte) -> bool:
    """Whether more than a drawn outline's anti-aliasing lies between 0 and 1."""
    return bool(np.count_nonzero((truth > 0.02) & (truth < 0.98)) > 0.005 * truth.size)
