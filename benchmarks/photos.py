"""Test pictures of any size, made from the photograph that the project ships.

An enlarged photo is smoother than a real one and compresses too well, so each is given the fine
grain of a sensor before it is written as a JPEG of quality 90.
"""

import io
import math
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

SAMPLES = Path(__file__).parent.parent / "static" / "img" / "samples"
MEGAPIXEL = 1_000_000
_GRAIN = 3  # standard deviation, in 8-bit levels
_TILE = 512


def photo(megapixels: float, name: str = "astronaut") -> bytes:
    """A JPEG with a subject, at most `megapixels` large; the same bytes each time."""
    with Image.open(SAMPLES / f"{name}.jpg") as sample:
        pixels = np.asarray(sample.convert("RGB"))
    scale = math.sqrt(megapixels * MEGAPIXEL / (pixels.shape[0] * pixels.shape[1]))
    size = math.floor(pixels.shape[1] * scale), math.floor(pixels.shape[0] * scale)
    enlarged = cv2.resize(
        pixels, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    )
    buffer = io.BytesIO()
    Image.fromarray(_grained(np.asarray(enlarged, np.uint8))).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _grained(pixels: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, _GRAIN, (_TILE, _TILE, 3)).round().astype(np.int16)
    result = np.empty_like(pixels)
    for top in range(0, pixels.shape[0], _TILE):
        for left in range(0, pixels.shape[1], _TILE):
            part = pixels[top : top + _TILE, left : left + _TILE]
            grain = noise[: part.shape[0], : part.shape[1]]
            window = slice(top, top + _TILE), slice(left, left + _TILE)
            result[window] = np.clip(part + grain, 0, 255)
    return result
