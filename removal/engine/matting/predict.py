"""From a photo to the matte in the network's own frame."""

import cv2
import numpy as np

from ..arrays import Bytes, Floats
from ..networks.session import Networks
from . import specks, veil


def predict(frame: Bytes, networks: Networks) -> Floats:
    """The matte of a photo.

    frame: what the main network sees, uint8 (h, w, 3) sRGB. Returns float32 (h, w), 0 background
    to 1 foreground.
    """
    matte = networks.main.matte(frame)
    if not networks.main.recipe.veil:
        return matte
    small = stretch(frame, veil.FRAME)
    second = None
    if networks.second and veil.is_doubtful(matte):
        second = networks.second.matte(small)
    return specks.drop(veil.correct(matte, small, second))


def stretch(rgb: Bytes, side: int) -> Bytes:
    """Resize to (side, side, 3), whatever the proportions."""
    return resized(rgb, (side, side))


def resized(rgb: Bytes, size: tuple[int, int]) -> Bytes:
    """At `size` (width, height): area averages where a direction shrinks, cubic where it grows."""
    height, width = rgb.shape[:2]
    shrunk = min(width, size[0]), min(height, size[1])
    result = rgb
    if shrunk != (width, height):
        result = np.asarray(cv2.resize(result, shrunk, interpolation=cv2.INTER_AREA), np.uint8)
    if shrunk != size:
        grown = cv2.resize(result, size, interpolation=cv2.INTER_CUBIC)
        result = np.asarray(grown, np.uint8)
    return result
