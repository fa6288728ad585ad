"""Delta PNG: what must be known to make the cut-out from the original picture, and no more.

An ordinary RGBA PNG in which a pixel is
    0x00000000 (transparent black)   background: the result is transparent there,
    0x00FFFFFF (transparent white)   foreground: the result is the original's pixel, opaque,
    anything else                    the result's own colour and alpha (soft edges).
(Written 0xAARRGGBB.) The format says nothing of an opaque pixel whose colour differs from the
original's, and needs no word for it: the engine changes colours only where 0 < alpha < 255.
Foreground estimation works in the soft band alone, and the watermark lowers alpha wherever it
draws.
"""

import numpy as np

from ..arrays import Pixels
from . import png

_BACKGROUND = np.uint32(0x00000000)
_FOREGROUND = np.uint32(0x00FFFFFF)  # bytes FF FF FF 00 in memory: white, alpha 0


def encode(rgb: Pixels, alpha: Pixels, *, resolution: tuple[float, float] | None = None) -> bytes:
    """Delta PNG of a result at the original's size.

    `rgb` is uint8 (h, w, 3), equal to the original wherever `alpha`, uint8 (h, w), is 255.
    """
    height, width = alpha.shape

    def read(start: int, stop: int) -> Pixels:
        return mark(rgb[start:stop], alpha[start:stop])

    return png.encode_rows(read, (width, height), 4, resolution=resolution)


def mark(rgb: Pixels, alpha: Pixels) -> Pixels:
    """The delta's pixels, uint8 (h, w, 4), of a result's colour (h, w, 3) and alpha (h, w)."""
    delta = png.interleave(rgb, alpha)
    words = delta.view("<u4")[..., 0]
    words[alpha == 0] = _BACKGROUND
    words[alpha == 255] = _FOREGROUND
    return delta


def alpha_of(rgb: Pixels, alpha: Pixels) -> Pixels:
    """The result's alpha, uint8 (h, w), from a delta's colours (h, w, 3) and alpha (h, w)."""
    opaque = (alpha == 0) & (rgb[..., 0] == 0xFF)
    return np.where(opaque, np.uint8(255), alpha)


def decode(delta: Pixels, original: Pixels) -> Pixels:
    """The cut-out, uint8 (h, w, 4), from a delta's pixels (h, w, 4) and the original (h, w, 3).

    The rule for clients: alpha 0 and red 0xFF takes the original's pixel, all else stays.
    """
    foreground = (delta[..., 3] == 0) & (delta[..., 0] == 0xFF)
    result = delta.copy()
    result[foreground, :3] = original[foreground]
    result[foreground, 3] = 255
    return result
