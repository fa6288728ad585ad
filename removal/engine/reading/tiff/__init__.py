"""TIFF's samples as 8-bit pixels, whatever order, depth and planes they lie in.

Strips and tiles are unpacked by libtiff (see `parts`), and nothing else is left to it: given whole
files, Pillow scrambled planes of 16 bits, lost alpha that lay in one, and showed palettes of 8-bit
colours black.
"""

from collections.abc import Iterator

import numpy as np

from removal.engine.arrays import Pixels
from removal.engine.reading.headers.page import Page

from . import colours, parts, samples

_BAND_PIXELS = 1 << 20  # taken through all steps at a time, which bounds the memory


def read(data: bytes, page: Page) -> tuple[Pixels, str, Pixels | None]:
    """(pixels, mode, alpha) of the page in the file `data`.

    `pixels` are uint8 (h, w) for mode L, (h, w, 3) for RGB and LAB, (h, w, 4) for CMYK, with LAB's
    a and b from 0 on (128 is grey); `alpha` is uint8 (h, w), straight, or None where all is opaque.
    Raises Damaged, and what Pillow raises.
    """
    width, height = page.size
    mode = colours.MODES[page.photometric]
    pixels = np.empty((height, width, len(mode)), np.uint8)
    alpha = None if page.alpha is None else np.empty((height, width), np.uint8)
    for top, band in _samples(data, page):
        shown = slice(top, min(top + len(band), height))
        pixels[shown], opacity = colours.convert(page, band[: shown.stop - top])
        if alpha is not None and opacity is not None:
            alpha[shown] = opacity
    if alpha is not None and alpha.min() == 255:
        alpha = None
    return pixels[..., 0] if mode == "L" else pixels, mode, alpha


def _samples(data: bytes, page: Page) -> Iterator[tuple[int, samples.Samples]]:
    """(top row, samples) of bands of the picture; the last may reach over its lower edge."""
    wanted = [*range(page.channels), *([] if page.alpha is None else [page.alpha])]
    planes = wanted if page.separate else [0]
    step = max(1, _BAND_PIXELS // page.size[0])
    for bands in zip(*(parts.bands(data, page, plane) for plane in planes), strict=True):
        top, rows = bands[0].top, len(bands[0].raw)
        for start in range(0, rows, step):
            raws = [band.raw[start : start + step] for band in bands]
            yield top + start * page.unit_rows, samples.of(page, raws, wanted)
