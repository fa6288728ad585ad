"""Where the border of what scribbles changed really runs.

A logistic regression, pixel by pixel, over the network's matte and what colours make of the border
as it was drawn, in a smaller and in a larger neighbourhood (guided filters). Its weights were
fitted to borders with known truth (docs/decisions/0011-scribbles.md).
"""

import cv2
import numpy as np

from ..arrays import Bytes, Floats, Mask
from . import guided

REACH = 6  # pixels from the drawn border, on either side
CLOSE, WIDE = 2, 8  # radii of the neighbourhoods
EPS = 1e-3
AROUND = 4.0  # pixels: what stands out from the matte around is thin
SURE = 0.1  # what is as unlikely is none of the subject, what is as likely is whole
MARGIN = 2 * WIDE + 1  # pixels from which on nothing counts: both of the filter's means
WEIGHTS = {
    "matte": 2.44,
    "matte around": -2.22,
    "colours close by": 2.02,
    "colours farther": 4.05,
}
ALWAYS = -3.15


def refined(rgb: Bytes, matte: Floats, drawn: Floats, where: Mask) -> Floats:
    """The drawn matte, its border moved onto the subject's where that may be.

    rgb: uint8 (h, w, 3), at most 512 pixels long. matte, drawn: float32 (h, w), 0..1, before the
    scribbles and after. where: bool (h, w). Returns float32 (h, w).
    """
    result = drawn.copy()
    band = _near_border(drawn) & where
    if not band.any():
        return result
    part = tuple(
        slice(max(0, int(found[0]) - MARGIN), int(found[-1]) + 1 + MARGIN)
        for found in (np.flatnonzero(band.any(axis=1 - axis)) for axis in (0, 1))
    )
    likely = _likely(rgb[part], matte[part], drawn[part])
    np.copyto(result[part], likely, where=band[part])
    return result


def _near_border(drawn: Floats) -> Mask:
    subject = drawn > 0.5
    border = cv2.morphologyEx(subject.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3)))
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * REACH - 1, 2 * REACH - 1))
    return np.asarray(cv2.dilate(border, reach) > 0)


def _likely(rgb: Bytes, matte: Floats, drawn: Floats) -> Floats:
    """How likely each pixel is subject, as alpha, float32 (h, w)."""
    found = {
        "matte": matte,
        "matte around": cv2.GaussianBlur(matte, (0, 0), AROUND),
        "colours close by": _by_colours(rgb, drawn, CLOSE),
        "colours farther": _by_colours(rgb, drawn, WIDE),
    }
    score = np.full(matte.shape, ALWAYS, np.float32)
    for name, plane in found.items():
        score += np.float32(WEIGHTS[name]) * plane
    likely = 1 / (1 + np.exp(-score))
    return np.asarray(np.clip((likely - SURE) / (1 - 2 * SURE), 0, 1), np.float32)


def _by_colours(rgb: Bytes, alpha: Floats, radius: int) -> Floats:
    """The guided filter's alpha, 0..1."""
    slopes, offset = guided.maps(rgb, alpha, radius, EPS)
    result = guided.box(offset, radius)
    for slope, plane in zip(slopes, cv2.split(rgb), strict=True):
        result += guided.box(slope, radius) * plane * np.float32(1 / 255)
    return np.clip(result, 0, 1)
