"""From a photo to the matte in the network's own frame."""

import cv2
import numpy as np

from ..arrays import Bytes, Floats
from ..networks.catalog import Normalisation
from ..networks.session import Network, Networks
from . import specks, veil

SEEN = 0.5  # a subject is where a network says so at least once


def predict(frame: Bytes, networks: Networks) -> Floats:
    """The matte of a photo.

    frame: the photo stretched to the main network's square, uint8 (side, side, 3) sRGB. Returns
    float32 (side, side), 0 background to 1 foreground.
    """
    matte = network_matte(frame, networks.main)
    small = stretch(frame, veil.FRAME)
    second = None
    if networks.second and veil.is_doubtful(matte):
        second = network_matte(small, networks.second)
    return specks.drop(veil.correct(matte, small, second))


def network_matte(stretched: Bytes, network: Network) -> Floats:
    """What the network itself says of its frame, float32 (side, side), 0..1."""
    raw = network.run(normalise(stretched, network.normalisation))
    if network.stretch_output:
        raw = _stretch_values(raw)
    return np.clip(raw, 0, 1)


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


def normalise(rgb: Bytes, normalisation: Normalisation) -> Floats:
    """8-bit colour (side, side, 3) to the network's input, float32 (1, 3, side, side)."""
    divisor = max(float(rgb.max()), 1.0) if normalisation.by_peak else normalisation.divisor
    deviation = np.array(normalisation.deviation, np.float32)[:, None, None]
    mean = np.array(normalisation.mean, np.float32)[:, None, None]
    planes = rgb.transpose(2, 0, 1).astype(np.float32, order="C")
    planes *= 1 / (divisor * deviation)
    planes -= mean / deviation
    return planes[None]


def _stretch_values(raw: Floats) -> Floats:
    """Spread the values over 0..1, unless none is high: a picture without a subject would become
    noise."""
    if float(raw.max()) < SEEN:
        return raw
    low, high = float(raw.min()), float(raw.max())
    return (raw - low) / max(high - low, 1e-6)
