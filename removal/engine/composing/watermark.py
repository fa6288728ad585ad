"""The mark that test results bear: broad bars with a word, over the whole canvas, in colour and
in alpha.

The bars hang on the subject and not on the canvas: they cross in the middle of its box and are as
broad as a share of it, so that the same parts of it are covered whatever margin, size, crop or
format is asked for, and several results of one picture do not add up to an unmarked one. They are
alike under mirroring and quarter turns, for the same reason.

Under the bars alpha is 50 %, inside and outside the subject, and the colours are a coarse average:
nothing there tells where the subject ends. docs/decisions/0009-watermark.md has the reasons.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import cv2
import numpy as np

from ..arrays import Bytes, Floats, Mask
from ..canvas import Canvas
from ..geometry import Box, Layout
from ..tiles import Grid, Tile, for_each, tiles_of
from .compose import FOREGROUND_ALPHA, flatten, foreground_box, resize_straight

TEXT = "TEST RESULT"
HALF = 128  # the alpha, of 255, under the bars
BAR = 0.13  # half a bar's breadth, as a share of the box's side
COVERED = 0.25  # of the subject, at least: bars are made broader until they reach it
MISSED = 0.20  # a part of the subject of which less is covered gets bars of its own
MOST_PARTS = 100  # that are looked at, the largest first; a hundredth of a picture is no product
FIELD = 512  # cells a side, in which the subject's area is measured
CELLS = 128  # a side, of the coarse average under the bars
SMOOTH = 5  # cells over which it is decided whether a bar is light or dark
GREY, DARK, LIGHT = 128, 40, 255


@dataclass(frozen=True, slots=True)
class Cross:
    """Two bars that cross in the middle of `box`, in the picture's pixels; `half` is half their
    breadth as a share of its sides. `repeats`: in every direction, a box's side apart; else the
    bars end with the box."""

    box: Box
    half: float
    repeats: bool = False


def plan(alpha: Bytes) -> tuple[Cross, ...]:
    """What is to be drawn on results of the picture whose matte is the uint8 (h, w) `alpha`."""
    box = foreground_box(alpha)
    if not box:
        return (Cross(Box(0, 0, alpha.shape[1], alpha.shape[0]), BAR, repeats=True),)
    area = _area(alpha, box)
    distance = _distance(area.shape)
    half = _half(area, distance)
    return Cross(box, half, repeats=True), *_parts(area, distance <= half, box)


def extended(crosses: tuple[Cross, ...], alpha: Bytes) -> tuple[Cross, ...]:
    """The same, and bars of their own for parts that a person's hints add between them: of the
    matte after the hints, uint8 (h, w). Those planned before stay where they are, as several
    results of one picture with other hints would add up."""
    box = foreground_box(alpha)
    if not box:
        return crosses
    area = _area(alpha, box)
    rows, columns = (
        start + (np.arange(cells) + 0.5) * side / cells
        for start, side, cells in zip(
            (box.top, box.left), (box.height, box.width), area.shape, strict=True
        )
    )
    return *crosses, *_parts(area, _touched(crosses, rows, columns), box)


def _area(alpha: Bytes, box: Box) -> Bytes:
    """How much of each cell of the box is subject, 0..255."""
    part = alpha[box.top : box.top + box.height, box.left : box.left + box.width]
    size = min(box.width, FIELD), min(box.height, FIELD)
    subject = (part >= FOREGROUND_ALPHA).view(np.uint8) * np.uint8(255)
    return np.asarray(cv2.resize(subject, size, interpolation=cv2.INTER_AREA), np.uint8)


def _distance(shape: tuple[int, ...]) -> Floats:
    """Of each cell from the nearer of the two middle lines, as a share of the box's side."""
    rows, columns = (np.abs((np.arange(side) + 0.5) / side - 0.5) for side in shape)
    return np.minimum(rows[:, None], columns)


def _half(area: Bytes, distance: Floats) -> float:
    """Half the breadth of bars that cover enough of the subject, whatever its shape is."""
    cells = np.flatnonzero(area)
    nearest = cells[np.argsort(distance.flat[cells], kind="stable")]
    within = np.cumsum(area.flat[nearest], dtype=np.float64)
    last = nearest[np.searchsorted(within, COVERED * within[-1])]
    return max(BAR, float(distance.flat[last]))


def _parts(area: Bytes, covered: Mask, box: Box) -> list[Cross]:
    """Bars of their own for the separate parts of a subject that lie between the great ones."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((area > 0).view(np.uint8))
    largest = np.argsort(stats[1:, cv2.CC_STAT_AREA])[::-1][:MOST_PARTS] + 1
    crosses = []
    for label in largest:
        left, top, width, height = (int(value) for value in stats[label][:4])
        window = np.s_[top : top + height, left : left + width]
        part = np.where(labels[window] == label, area[window], 0).astype(np.uint8)
        if part[covered[window]].sum(dtype=np.float64) < MISSED * part.sum(dtype=np.float64):
            half = _half(part, _distance(part.shape))
            crosses.append(Cross(_in_picture(Box(top, left, width, height), area, box), half))
    return crosses


def _in_picture(part: Box, area: Bytes, box: Box) -> Box:
    y, x = box.height / area.shape[0], box.width / area.shape[1]
    top, left = int(part.top * y), int(part.left * x)
    bottom, right = np.ceil((part.top + part.height) * y), np.ceil((part.left + part.width) * x)
    return Box(box.top + top, box.left + left, int(right) - left, int(bottom) - top)


def apply(canvas: Canvas, crosses: tuple[Cross, ...], layout: Layout) -> None:
    """Draw the mark over the canvas, in place. `layout` says where the picture, to which the
    crosses belong, lies on it."""
    glass = _glass(canvas)
    grid = Grid((glass.shape[0], glass.shape[1]), (canvas.rgb.shape[0], canvas.rgb.shape[1]))

    def draw(tile: Tile) -> None:
        rows, columns = _in_content(tile, layout)
        touched = _touched(crosses, rows, columns)
        under = grid.under(tile)
        seen = grid.stretch(np.ascontiguousarray(glass[under.window]), under, tile)
        colours = (seen[..., :3] + 0.5).astype(np.uint8)
        word = _word(crosses[0], rows, columns)
        colours[word] = seen[..., 3][word][:, None]
        np.copyto(canvas.rgb[tile.window], colours, where=touched[..., None])
        if canvas.alpha is not None:
            canvas.alpha[tile.window][touched] = HALF

    for_each(tiles_of(grid.picture), draw)


def _in_content(tile: Tile, layout: Layout) -> tuple[Floats, Floats]:
    """The middles of the tile's rows and columns, in the picture's pixels."""
    content, drawn = layout.content, layout.drawn
    y, x = content.height / drawn.height, content.width / drawn.width
    rows = (np.arange(tile.top, tile.bottom) + 0.5 - drawn.top) * y + content.top
    columns = (np.arange(tile.left, tile.right) + 0.5 - drawn.left) * x + content.left
    return rows, columns


def _touched(crosses: tuple[Cross, ...], rows: Floats, columns: Floats) -> Mask:
    touched = np.zeros((rows.size, columns.size), np.bool_)
    for cross in crosses:
        within_rows, lying = _bar(rows, cross.box.top, cross.box.height, cross)
        within_columns, standing = _bar(columns, cross.box.left, cross.box.width, cross)
        touched[np.ix_(within_rows, within_columns)] |= lying[:, None] | standing
    return touched


def _bar(at: Floats, start: int, side: int, cross: Cross) -> tuple[Mask, Mask]:
    """Along one axis: which positions the cross is drawn at, and of those, which the bar lies on
    that stands across this axis."""
    offset = np.asarray((at - start) / side - 0.5)
    within = np.abs(offset) <= (np.inf if cross.repeats else 0.5)
    inner = offset[within]
    return within, np.abs(inner - np.round(inner) if cross.repeats else inner) <= cross.half


def _glass(canvas: Canvas) -> Floats:
    """The colours of the bars, darker or lighter than what they cover, and the word's grey beside
    them: float32 (h, w, 4) of at most CELLS x CELLS."""
    height, width = canvas.rgb.shape[:2]
    size = min(width, CELLS), min(height, CELLS)
    if canvas.alpha is None:
        seen = np.asarray(cv2.resize(canvas.rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    else:
        seen = flatten(*resize_straight(canvas.rgb, canvas.alpha, size), (GREY, GREY, GREY))
    bright = cv2.blur(seen.mean(axis=2), (SMOOTH, SMOOTH))[..., None] >= GREY
    bars = (seen + np.where(bright, DARK, LIGHT)) / 2
    return np.concatenate([bars, np.where(bright, LIGHT, DARK)], axis=2).astype(np.float32)


def _word(cross: Cross, rows: Floats, columns: Floats) -> Mask:
    """Where the word stands: in the middle of every lying bar, again and again."""
    box = cross.box
    letters = max(min(cross.half * box.height, box.width / len(TEXT)), 1)  # their height in pixels
    v = (rows - box.top) / box.height - 0.5
    down = (v - np.round(v)) * box.height / letters + 0.5
    strip = _strip(int(np.clip(letters, 8, 128)))
    high, wide = strip.shape
    along = (columns - box.left - box.width / 2) / letters * high + wide / 2
    found = np.zeros((rows.size, columns.size), np.bool_)
    lies = (down >= 0) & (down < 1)
    found[lies] = strip[(down[lies] * high).astype(int)[:, None], along.astype(int) % wide]
    return found


@lru_cache(maxsize=32)
def _strip(height: int) -> Mask:
    """The word and a gap, bool (height, w), to be repeated side by side."""
    font, thickness = cv2.FONT_HERSHEY_SIMPLEX, max(1, height // 7)
    scale = cv2.getFontScaleFromHeight(font, height - thickness, thickness)
    (width, _), _ = cv2.getTextSize(TEXT, font, scale, thickness)
    strip = np.zeros((height, width + 2 * height), np.uint8)
    at = height, height - (thickness + 1) // 2 - 1
    cv2.putText(strip, TEXT, at, font, scale, 1, thickness, cv2.LINE_8)
    return cast(Mask, strip.view(np.bool_))
