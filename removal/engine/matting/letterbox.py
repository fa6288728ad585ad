"""The frame that the networks see: photos are stretched to it, long ones lie between bars.

Photos of usual proportions find their subject better when they fill the square. Stretched from a
narrow strip, a subject is distorted beyond recognition and comes out torn.
"""

import numpy as np

from ..arrays import Bytes
from ..networks.recipes import Recipe
from . import predict

LONG = 3  # the longer side by the shorter: from here on there are bars
STRETCHED = 2  # what is still stretched of it: bars all the way to a square were worse
BAR = (124, 116, 104)  # the mean of ImageNet's photos: to the networks, nothing
Window = tuple[slice, slice]


def for_network(rgb: Bytes, recipe: Recipe) -> tuple[Bytes, Window]:
    """What the network is shown of the photo, uint8 (h, w, 3), and the window of it that shows all
    of the photo; both by its recipe's `fit`."""
    height, width = rgb.shape[:2]
    if recipe.fit == "stretch":
        return framed(rgb, recipe.side)
    if recipe.fit == "pad":
        factor = recipe.side / max(height, width)
        return _between_bars(rgb, recipe.side, round(height * factor), round(width * factor))
    columns, rows = recipe.frame_size((width, height))
    return predict.resized(rgb, (columns, rows)), (slice(0, rows), slice(0, columns))


def framed(rgb: Bytes, side: int) -> tuple[Bytes, Window]:
    """The photo, uint8 (h, w, 3), in a frame (side, side, 3), and the window of it that shows all
    of the photo."""
    height, width = rgb.shape[:2]
    longest = max(height, width)
    if longest < LONG * min(height, width):
        return predict.stretch(rgb, side), (slice(0, side), slice(0, side))
    rows, columns = (round(side * min(1, STRETCHED * one / longest)) for one in (height, width))
    return _between_bars(rgb, side, rows, columns)


def _between_bars(rgb: Bytes, side: int, rows: int, columns: int) -> tuple[Bytes, Window]:
    """The photo at (rows, columns), at least 1 each, in the middle of (side, side, 3)."""
    rows, columns = max(1, rows), max(1, columns)
    top, left = (side - rows) // 2, (side - columns) // 2
    window = slice(top, top + rows), slice(left, left + columns)
    frame = np.full((side, side, 3), BAR, np.uint8)
    frame[window] = predict.resized(rgb, (columns, rows))
    return frame, window
