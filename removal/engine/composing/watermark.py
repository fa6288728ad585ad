"""The mark that test results bear: words and lines over the whole canvas, in colour and in alpha.

Alpha under the strokes becomes 50 %, inside and outside the subject: whoever takes the alpha of a
test result for use on the original gets the mark with it.
"""

import math
from functools import lru_cache

import cv2
import numpy as np

from ..canvas import Canvas
from ..tiles import Bytes

TEXT = "TEST RESULT"
HALF = 128  # the alpha, of 255, under the strokes
LIGHT, DARK = 1, 2  # what a pixel of the pattern is; 0 is untouched
TONES = np.array([0, 255, 64], np.uint8)  # grey levels by those numbers: legible on any ground
MIN_TILE, MAX_TILE = 48, 1024  # pixels


def apply(canvas: Canvas) -> Canvas:
    """The same canvas with the mark drawn over it (in place)."""
    height, width = canvas.rgb.shape[:2]
    tile = _tile(min(max(min(width, height) // 2, MIN_TILE), MAX_TILE))
    side = tile.shape[0]
    for top in range(0, height, side):
        for left in range(0, width, side):
            window = np.s_[top : top + side, left : left + side]
            part = canvas.rgb[window]
            pattern = tile[: part.shape[0], : part.shape[1]]
            _mark(part, None if canvas.alpha is None else canvas.alpha[window], pattern)
    return canvas


def _mark(rgb: Bytes, alpha: Bytes | None, pattern: Bytes) -> None:
    touched = pattern > 0
    tones = TONES[pattern[touched]][:, None]
    under = rgb[touched]
    mixed = ((under.astype(np.uint16) + tones + 1) // 2).astype(np.uint8)
    if alpha is None:
        rgb[touched] = mixed
        return
    visible = (alpha[touched] > 0)[:, None]
    rgb[touched] = np.where(visible, mixed, tones)
    alpha[touched] = HALF


@lru_cache(maxsize=32)
def _tile(side: int) -> Bytes:
    """A square pattern that repeats without a seam: uint8 (side, side) of 0, LIGHT and DARK."""
    stroke = max(1, side // 96)
    tile = np.zeros((side, side), np.uint8)
    rows, columns = np.mgrid[0:side, 0:side]
    across = (rows + columns) % side  # a diagonal line through every tile, from corner to corner
    tile[across < 3 * stroke] = DARK
    tile[(across >= stroke) & (across < 2 * stroke)] = LIGHT
    tile[0, 0] = LIGHT
    return _with_text(tile, stroke)


def _with_text(tile: Bytes, stroke: int) -> Bytes:
    side = tile.shape[0]
    font, thickness = cv2.FONT_HERSHEY_SIMPLEX, max(1, 2 * stroke)
    (width, height), _ = cv2.getTextSize(TEXT, font, 1, thickness)
    scale = 0.82 * side / max(width, 1)
    text = np.zeros_like(tile)
    at = round(0.09 * side), math.ceil(side / 2 + height * scale / 2)
    cv2.putText(text, TEXT, at, font, scale, DARK, thickness + 2 * stroke, cv2.LINE_8)
    cv2.putText(text, TEXT, at, font, scale, LIGHT, thickness, cv2.LINE_8)
    return np.where(text > 0, text, tile)
