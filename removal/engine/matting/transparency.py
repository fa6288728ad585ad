"""Pictures that bring transparency of their own.

What the file hides must not count, in the matte or in the colours, and its soft edges are not to be
made soft once more. So the networks see the picture over a plain ground, and their matte, which
has the file's own alpha in it, is read as a share: how much of what is visible is subject. The
result's alpha is the file's times that share.
"""

import cv2
import numpy as np

from ..arrays import Bytes, Floats

# The file's alpha is a finished cut-out where the networks would take away at most this share of
# what it shows wholly, and no more than it has hidden already: then its edges are left alone.
# Cut-outs of ours came to .00 to .04, photos with clear corners to more than .3.
FINISHED = 0.05
SOLID = 0.05  # with less of it wholly visible there is no photo left, only smoke, glass, shadows
VISIBLE = 0.98  # of the greatest alpha: from here on a pixel counts as wholly visible
EDGE_REACH = 3  # pixels of the matte's frame: the networks' own edges are that soft
CERTAIN = 0.8  # share from which the content at a file's own soft edge is wholly subject
_EPS = np.float32(1e-3)
_BAND = 512  # rows that are multiplied at a time: bounds the temporaries


def share(matte: Floats, alpha: Bytes) -> Floats | None:
    """How much of what is visible is subject, or None where all of it is.

    matte: float32 (h, w), 0..1, of the picture over its ground; alpha: the file's, uint8, of any
    size. Returns float32 (h, w).
    """
    own = _at_most(alpha, (matte.shape[1], matte.shape[0])).astype(np.float32)
    own /= max(float(own.max()), 1.0)  # a picture that is faint all over has no edge
    if _finished(matte, own):
        return None
    side = 2 * EDGE_REACH + 1
    edge = cv2.dilate((own < VISIBLE).astype(np.uint8), np.ones((side, side), np.uint8))
    at_edge = (_mean(matte, side) + _EPS) / (_mean(own, side) + _EPS)
    return np.asarray(np.where(edge, np.minimum(at_edge / CERTAIN, 1), matte), np.float32)


def within(alpha: Bytes, share: Bytes) -> Bytes:
    """The file's alpha times the share, both uint8 (h, w)."""
    out = np.empty(alpha.shape, np.uint8)
    for top in range(0, alpha.shape[0], _BAND):
        band = slice(top, top + _BAND)
        out[band] = (share[band].astype(np.uint16) * alpha[band] + 127) // 255
    return out


def _finished(matte: Floats, own: Floats) -> bool:
    shown = own >= VISIBLE
    solid, visible = int(shown.sum()), float(own.sum())
    if solid < SOLID * visible:
        return True
    taken = float((1 - matte)[shown].sum())
    return taken <= FINISHED * solid and taken <= own.size - visible


def _at_most(alpha: Bytes, size: tuple[int, int]) -> Bytes:
    """At `size` (width, height): areas are averaged in a direction that shrinks."""
    low = min(alpha.shape[1], size[0]), min(alpha.shape[0], size[1])
    shrunk = cv2.resize(alpha, low, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(shrunk, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _mean(values: Floats, side: int) -> Floats:
    return np.asarray(cv2.blur(values, (side, side)), np.float32)
