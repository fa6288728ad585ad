"""Samples as 8-bit colours and straight alpha."""

from functools import cache
from typing import cast

import numpy as np

from removal.engine.arrays import Pixels
from removal.engine.reading.headers.page import (
    BLACK_IS_ZERO,
    CIELAB,
    CMYK,
    ICCLAB,
    JPEG,
    PALETTE,
    RGB,
    WHITE_IS_ZERO,
    YCBCR,
    Page,
)

from .samples import Samples

MODES = {
    WHITE_IS_ZERO: "L", BLACK_IS_ZERO: "L", RGB: "RGB", PALETTE: "RGB", CMYK: "CMYK",
    YCBCR: "RGB", CIELAB: "LAB", ICCLAB: "LAB",
}  # fmt: skip

# Where a file does not say otherwise: full range, and the weights of BT.601.
_REFERENCE = (0.0, 255.0, 128.0, 255.0, 128.0, 255.0)
_COEFFICIENTS = (0.299, 0.587, 0.114)


def convert(page: Page, samples: Samples) -> tuple[Pixels, Pixels | None]:
    """(colours, alpha) of (rows, width, channels and, where the page has one, alpha)."""
    colours, alpha = samples[..., : page.channels], None
    if page.alpha is not None:
        if page.associated and page.photometric != PALETTE:
            colours = _straightened(colours, samples[..., -1:], page.bits)
        alpha = _eight_bits(samples[..., -1], page.bits)
    return _shown(page, colours), alpha


def _straightened(colours: Samples, alpha: Samples, bits: int) -> Samples:
    """Colours that alpha had been multiplied into."""
    full = 2**bits - 1
    divisor = np.maximum(alpha, 1).astype(np.uint32)
    straight = (colours.astype(np.uint32) * full + divisor // 2) // divisor
    return cast(Samples, np.minimum(straight, full).astype(colours.dtype))


def _shown(page: Page, colours: Samples) -> Pixels:
    if page.photometric == PALETTE:
        return _palette(page)[colours[..., 0]]
    shown = _eight_bits(colours, page.bits)
    if page.photometric == WHITE_IS_ZERO:
        return ~shown
    if page.photometric == CIELAB:  # signed a and b, which can't be averaged as bytes
        return shown ^ np.array((0, 128, 128), np.uint8)
    if page.photometric == YCBCR and (page.compression != JPEG or page.separate):
        return _from_ycbcr(page, shown)
    return shown


def _eight_bits(samples: Samples, bits: int) -> Pixels:
    """Few bits spread over all levels; of many the high byte."""
    if bits > 8:
        return (samples >> (bits - 8)).astype(np.uint8)
    return samples.astype(np.uint8) if bits == 8 else _levels(bits)[samples]


@cache
def _levels(bits: int) -> Pixels:
    most = 2**bits - 1
    return np.asarray((np.arange(most + 1) * 255 + most // 2) // most, np.uint8)


def _palette(page: Page) -> Pixels:
    """(colours, 3). Entries are of 16 bits, but some programs write them of 8, as libtiff knows."""
    table = np.array(page.palette, np.uint16).reshape(3, -1).T
    return (table >> (8 if table.max() > 255 else 0)).astype(np.uint8)


def _from_ycbcr(page: Page, shown: Pixels) -> Pixels:
    """TIFF 6.0, sections 20 and 21."""
    reference = page.reference if _spans(page.reference) else _REFERENCE
    red, green, blue = page.coefficients if _weighs(page.coefficients) else _COEFFICIENTS
    blacks, whites = np.array(reference, np.float32).reshape(3, 2).T
    spread = np.array((255, 127, 127), np.float32) / (whites - blacks)
    luma, cb, cr = np.moveaxis((shown - blacks) * spread, -1, 0)
    r = luma + cr * (2 - 2 * red)
    b = luma + cb * (2 - 2 * blue)
    g = (luma - blue * b - red * r) / green
    return np.stack((r, g, b), axis=-1).round().clip(0, 255).astype(np.uint8)


def _spans(reference: tuple[float, ...]) -> bool:
    return len(reference) == 6 and all(
        black < white for black, white in zip(reference[::2], reference[1::2], strict=True)
    )


def _weighs(coefficients: tuple[float, ...]) -> bool:
    return len(coefficients) == 3 and all(0 < part < 1 for part in coefficients)
