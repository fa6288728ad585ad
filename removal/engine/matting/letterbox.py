"""The frame that the networks see: photos are stretched to it, long ones lie between bars.

Photos of usual proportions find their subject better when they fill the square. Stretched from a
strip, a subject is no longer one, and comes out torn.
"""

import numpy as np

from ..arrays import Bytes
from . import predict

LONG = 3  # the longer side by the shorter: from here on there are bars
STRETCHED = 2  # what is still stretched of it: bars all the way to a square were worse
BAR = (124, 116, 104)  # the mean of ImageNet's photos: to the networks, nothing
Window = tuple[slice, slice]


def framed(rgb: Bytes, side: int) -> tuple[Bytes, Window]:
    """The photo, uint8 (h, w, 3), in a frame (side, side, 3), and the window of it that shows all
    of the photo."""
    height, width = rgb.shape[:2]
    longest = max(height, width)
    if longest < LONG * min(height, width):
        return predict.stretch(rgb, side), (slice(0, side), slice(0, side))
    rows, columns = (
        max(1, round(side * min(1, STRETCHED * length / longest))) for length in (height, width)
    )
    top, left = (side - rows) // 2, (side - columns) // 2
    window = slice(top, top + rows), slice(left, left + columns)
    frame = np.full((side, side, 3), BAR, np.uint8)
    frame[window] = predict.resized(rgb, (columns, rows))
    return frame, window
