"""From a small matte to a full-size one whose edges are the photo's own.

Fast guided filter (He and Sun, "Fast Guided Filter", arXiv:1505.00996) with the photo as its colour
guide, only where the matte is uncertain.
"""

import cv2
import numpy as np

from ..arrays import Bytes, Floats
from ..tiles import SMALLEST, Grid, Tile, for_each, tiles_of
from . import guided

GUIDE_RADIUS = 1  # pixels of the matte
GUIDE_EPS = 1e-4  # of squared colour in 0..1
# A matte value nearer to 0 or 1 than this is certain: it becomes exactly 0 or 255, so that the
# background is wholly gone and the subject wholly opaque.
CERTAIN = 4 / 255


def upsample_alpha(rgb: Bytes, matte: Floats, frame: Bytes | None = None) -> Bytes:
    """The matte at the photo's size, its edges moved onto the photo's own.

    rgb: uint8 (h, w, 3) sRGB. matte: float32 (lh, lw), 0..1, of the whole photo stretched to that
    frame. frame: the photo so stretched, uint8 (lh, lw, 3), where the caller has it. Returns
    uint8 (h, w).
    """
    height, width = rgb.shape[:2]
    matte = _snap(_at_most(matte, height, width))
    grid = Grid((matte.shape[0], matte.shape[1]), (height, width))
    guide = _guide(rgb, frame, grid.field)
    levels = (matte * 255 + 0.5).astype(np.uint8)
    alpha = np.asarray(cv2.resize(levels, (width, height)), np.uint8)  # bilinear
    side = 2 * GUIDE_RADIUS + 1
    certain = ((matte == 0) | (matte == 1)).astype(np.uint8)
    uncertain = cv2.erode(certain, np.ones((side, side), np.uint8)) == 0

    def refine(tile: Tile) -> None:
        under = grid.under(tile)
        if not uncertain[under.window].any():
            return
        coefficients = _coefficients(guide, matte, under)
        for part in tile.cut(SMALLEST):
            if uncertain[grid.under(part).window].any():
                local = grid.stretch(coefficients, under, part)
                alpha[part.window] = _applied(local, rgb[part.window])

    for_each(tiles_of((height, width)), refine)
    return alpha


def _applied(coefficients: Floats, photo: Bytes) -> Bytes:
    """The alpha that the maps (h, w, 4) give the colours (h, w, 3), uint8 (h, w)."""
    planes: list[Floats] = [np.asarray(plane, np.float32) for plane in cv2.split(coefficients)]
    *slopes, found = planes
    for slope, colour in zip(slopes, cv2.split(photo), strict=True):
        slope *= colour
        found += slope
    found += 0.5
    return np.clip(found, 0, 255, out=found).astype(np.uint8)


def _at_most(matte: Floats, height: int, width: int) -> Floats:
    """The matte, shrunk in the directions in which the photo is smaller than it."""
    low = min(matte.shape[1], width), min(matte.shape[0], height)
    return np.asarray(cv2.resize(matte, low, interpolation=cv2.INTER_AREA), np.float32)


def _snap(matte: Floats) -> Floats:
    return np.asarray(np.clip((matte - CERTAIN) / (1 - 2 * CERTAIN), 0, 1), np.float32)


def _guide(rgb: Bytes, frame: Bytes | None, shape: tuple[int, int]) -> Bytes:
    if frame is not None and frame.shape[:2] == shape:
        return frame
    return np.asarray(cv2.resize(rgb, shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _coefficients(guide: Bytes, matte: Floats, part: Tile) -> Floats:
    """Of each pixel of that part of the matte's frame: the linear map (3 slopes, 1 offset) from
    8-bit colour to 8-bit alpha that fits its neighbourhood best. float32 (h, w, 4)."""
    seen = part.grown(2 * GUIDE_RADIUS, (matte.shape[0], matte.shape[1]))
    slopes, offset = guided.maps(guide[seen.window], matte[seen.window], GUIDE_RADIUS, GUIDE_EPS)
    fields = [
        guided.box(field, GUIDE_RADIUS)[part.within(seen)]
        for field in (*slopes, offset * np.float32(255))
    ]
    return np.asarray(cv2.merge(fields), np.float32)
