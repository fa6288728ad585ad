"""Shadows, black with alpha: made from the matte here, or the photo's own (natural_shadow).

A shadow is a coarse field of opacities that lies on the picture. It is laid under the subject, so
that it never covers any of it, and over the background, whatever that is.

All values are 8-bit sRGB as coded, not light: viewers and browsers lay black over a background in
these values, and for a curve that is nearly a power the ratio of two coded values is, coded, the
ratio of their light. docs/decisions/0013-shadows.md has the reasons and what was measured.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..arrays import Bytes, Floats
from ..geometry import Box, Layout
from ..tiles import Tile, for_each, tiles_of

SIDE = 320  # cells of the subject's longer side, for shadows that are made
# Shares of that side.
DROP_BLUR, DROP_RIGHT, DROP_DOWN = 0.03, 0.012, 0.035
STRIP, TIGHT_BLUR = 0.016, 0.010  # half the height of the line of contact; how soft it is
WIDE_BLUR_X, WIDE_BLUR_Y = 0.05, 0.018  # of the half-shadow around it
REACH = 0.10  # how far above the lowest point the subject still counts as near the ground
TIGHT, WIDE = 0.75, 0.55  # their opacities
OPACITY = {"drop": 40, "contact": 90, "natural": 100}  # per cent, unless asked otherwise


@dataclass(frozen=True, slots=True)
class Cast:
    """A shadow on a picture: float32 (h, w) opacities from 0 to 1, whose upper left corner lies at
    (left, top); a cell is `step` (x, y) of the picture's pixels large."""

    opacities: Floats
    left: float
    top: float
    step: tuple[float, float]

    def at(self, per_cent: int) -> "Cast":
        """The same with its opacities at `per_cent` of what they are."""
        return replace(self, opacities=self.opacities * np.float32(per_cent / 100))


def made(kind: str, alpha: Bytes, box: Box) -> Cast:
    """The `drop` or `contact` shadow of the subject that fills `box` of the uint8 (h, w) matte."""
    matte = _cells(alpha, box)
    longest = max(matte.shape)
    step = box.width / matte.shape[1], box.height / matte.shape[0]
    if kind == "drop":
        pad = reach(DROP_BLUR * longest)
        opacities = blurred(np.pad(matte, pad), DROP_BLUR * longest, DROP_BLUR * longest)
        right, down = DROP_RIGHT * longest, DROP_DOWN * longest
    else:
        pad = reach(WIDE_BLUR_X * longest) + 1
        opacities = _contact(np.pad(matte, pad), longest)
        right = down = 0.0
    left, top = box.left + (right - pad) * step[0], box.top + (down - pad) * step[1]
    return Cast(opacities, left, top, step)


def _cells(alpha: Bytes, box: Box) -> Floats:
    """The matte in the box, 0..1, at most SIDE cells a side."""
    part = alpha[box.top : box.top + box.height, box.left : box.left + box.width]
    scale = min(1.0, SIDE / max(box.width, box.height))
    size = max(1, round(box.width * scale)), max(1, round(box.height * scale))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small * np.float32(1 / 255), np.float32)


def reach(sigma: float) -> int:
    """Cells beyond which a Gaussian counts for nothing."""
    return int(np.ceil(3 * sigma))


def blurred(field: Floats, sigma_x: float, sigma_y: float) -> Floats:
    """A Gaussian blur by so many cells, with nothing beyond the field's edges."""
    size = 2 * reach(sigma_x) + 1, 2 * reach(sigma_y) + 1
    sigma_x, sigma_y = max(sigma_x, 1e-3), max(sigma_y, 1e-3)  # 0 would mean "choose one"
    zero = cv2.BORDER_CONSTANT
    return np.asarray(
        cv2.GaussianBlur(field, size, sigma_x, sigmaY=sigma_y, borderType=zero), np.float32
    )


def _contact(matte: Floats, longest: int) -> Floats:
    """A dark line where the lower outline comes near the lowest point, in a half-shadow."""
    solid = matte >= 0.5
    columns = np.flatnonzero(solid.any(axis=0))
    if columns.size == 0:
        return np.zeros_like(matte)
    lowest = matte.shape[0] - 1 - np.argmax(solid[::-1, columns], axis=0)
    weight = np.exp(-(((lowest.max() - lowest) / max(REACH * longest, 1)) ** 2))
    rows = np.arange(matte.shape[0])[:, None]
    half = max(STRIP * longest, 0.5)
    line = np.zeros_like(matte)
    line[:, columns] = (np.abs(rows - lowest) <= half) * weight
    tight = blurred(line, TIGHT_BLUR * longest, TIGHT_BLUR * longest)
    line[:, columns] = (np.abs(rows - lowest) <= 2 * half) * weight
    wide = blurred(line, WIDE_BLUR_X * longest, WIDE_BLUR_Y * longest)
    return np.asarray(1 - (1 - TIGHT * tight) * (1 - WIDE * wide), np.float32)


def within(cast: Cast, box: Box) -> Cast:
    """The shadow without what lies outside of the picture's `box`."""
    height, width = cast.opacities.shape
    rows = (np.arange(height) + 0.5) * cast.step[1] + cast.top
    columns = (np.arange(width) + 0.5) * cast.step[0] + cast.left
    inside = ((rows >= box.top) & (rows < box.top + box.height))[:, None] & (
        (columns >= box.left) & (columns < box.left + box.width)
    )
    return replace(cast, opacities=np.where(inside, cast.opacities, 0).astype(np.float32))


def lay_under(rgb: Bytes, alpha: Bytes, cast: Cast, layout: Layout) -> None:
    """Put the shadow under straight colours, uint8 (h, w, 3), and alpha, uint8 (h, w), in place.
    `layout` says where the picture, to which the shadow belongs, lies on the canvas."""

    def lay(tile: Tile) -> None:
        shade = _stretched(cast, layout, tile)
        touched = (shade >= 0.5 / 255) & (alpha[tile.window] < 255)
        if not touched.any():
            return
        a = alpha[tile.window][touched].astype(np.float32)
        total = a + (255 - a) * shade[touched]
        colours = rgb[tile.window][touched] * (a / total)[:, None]
        rgb[tile.window][touched] = (colours + np.float32(0.5)).astype(np.uint8)
        alpha[tile.window][touched] = (total + np.float32(0.5)).astype(np.uint8)

    for_each(tiles_of((alpha.shape[0], alpha.shape[1])), lay)


def _stretched(cast: Cast, layout: Layout, tile: Tile) -> Floats:
    """The opacities at the canvas's pixels in the tile, bilinear; 0 beyond the field."""
    content, drawn = layout.content, layout.drawn
    x = content.width / drawn.width / cast.step[0]
    y = content.height / drawn.height / cast.step[1]
    left = (content.left - cast.left) / cast.step[0] - 0.5
    top = (content.top - cast.top) / cast.step[1] - 0.5
    matrix = np.array(
        [
            [x, 0, (tile.left + 0.5 - drawn.left) * x + left],
            [0, y, (tile.top + 0.5 - drawn.top) * y + top],
        ]
    )
    height, width = tile.shape
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(cast.opacities, matrix, (width, height), flags=flags))
