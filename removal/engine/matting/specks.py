"""Drops what is no subject: specks beside one, and a faint haze.

The rule, on connected parts of the matte above FAINT: a part goes where it nowhere reaches PRESENT,
or where it is smaller than SPECK of the frame and than SPECK_OF_LARGEST of the largest part.
"""

import cv2
import numpy as np

from ..arrays import Floats

FAINT = 0.04
PRESENT = 0.25
SPECK = 1 / 10_000  # of the frame: 10 x 10 pixels of a megapixel
SPECK_OF_LARGEST = 1 / 100


def drop(matte: Floats) -> Floats:
    """The matte, float32 (h, w), 0..1, with those parts set to 0."""
    count, labels = cv2.connectedComponents((matte > FAINT).astype(np.uint8), connectivity=8)
    if count == 1:
        return matte
    areas = np.bincount(labels.ravel(), minlength=count).astype(np.float64)
    areas[0] = 0
    present = np.bincount(labels[matte >= PRESENT], minlength=count) > 0
    largest = float(areas[present].max(initial=0))
    small = (areas < SPECK * matte.size) & (areas < SPECK_OF_LARGEST * largest)
    dropped = ~present | small
    dropped[0] = False  # the ground between the parts stays as it is, below FAINT
    return np.where(dropped[labels], np.float32(0), matte) if dropped.any() else matte
