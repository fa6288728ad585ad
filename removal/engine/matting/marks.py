"""Scribbles as masks, and their size on a smaller grid."""

import cv2
import numpy as np

from ..arrays import Floats, Mask

LEAST_SIDE = 8  # of a grid: filters reach some pixels
COVERED = 0.3  # of a small pixel, beside the fullest one near it: so that thin strokes stay


def size_of(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """(width, height) of a picture of that shape, its longer side at most `side`."""
    scale = min(1.0, side / max(shape[:2]))
    return max(LEAST_SIDE, round(shape[1] * scale)), max(LEAST_SIDE, round(shape[0] * scale))


def shrunk(mask: Mask, size: tuple[int, int]) -> Mask:
    """The mask on a grid of that size; not even a single pixel of it is lost."""
    share = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    fullest = cv2.dilate(share, np.ones((5, 5), np.uint8))
    return (share > COVERED * fullest) & (share > 0)


def distance(mask: Mask) -> Floats:
    """Of each pixel from the nearest of the mask, in pixels, float32 (h, w); the mask not empty."""
    free = (~mask).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(free, cv2.DIST_L2, 5), np.float32)


def half_width(mask: Mask) -> Floats:
    """Of each pixel: half the width of the stroke nearest to it, in pixels, float32 (h, w)."""
    inner = np.minimum(distance(~mask), max(mask.shape))  # it may be everywhere
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    strokes = np.asarray(labels, np.int32)
    widest = np.zeros(count, np.float32)
    np.maximum.at(widest, strokes.ravel(), inner.ravel())
    _, nearest = cv2.distanceTransformWithLabels(
        (~mask).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros(int(nearest.max()) + 1, np.float32)
    of_label[nearest[mask]] = widest[strokes[mask]]
    return np.asarray(of_label[nearest], np.float32)


def touching(parts: Mask, seed: Mask) -> Mask:
    """Those connected parts, with the seed itself, that the seed touches."""
    _, labels = cv2.connectedComponents((parts | seed).astype(np.uint8))
    touched = np.unique(labels[seed])
    return np.isin(labels, touched[touched > 0])
