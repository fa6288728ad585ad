"""A fast PNG encoder: Up filter, ISA-L's deflate, bands of rows in parallel.

Any PNG decoder reads the result: the bands are raw deflate runs that end on a byte boundary (a full
flush), and together they are one zlib stream in one IDAT chunk (RFC 1950, RFC 1951; W3C PNG).
"""

import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import cv2
import numpy as np
from isal import isal_zlib

from .. import threads
from ..arrays import Pixels

RowReader = Callable[[int, int], Pixels]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPE = {1: 0, 3: 2, 4: 6}  # channels -> grey, RGB, RGBA
_UP = 2  # the filter whose prediction is the pixel above: the best that numpy does in one pass
_LEVEL = 1
_BAND_BYTES = 1 << 20  # of raw pixels: a band and its filtered copy stay in the cache
_ADLER_MODULUS = 65521
_METRES_PER_INCH = 0.0254


def encode(rows: Pixels, *, resolution: tuple[float, float] | None = None) -> bytes:
    """PNG of `rows`: uint8 (h, w) grey, (h, w, 1) grey, (h, w, 3) RGB or (h, w, 4) RGBA.

    Tagged as sRGB; `resolution` (x, y in dots per inch) is kept in whole pixels per metre.
    """
    height, width = rows.shape[:2]
    channels = 1 if rows.ndim == 2 else rows.shape[2]
    return encode_rows(
        lambda start, stop: rows[start:stop], (width, height), channels, resolution=resolution
    )


def encode_rows(
    read: RowReader,
    size: tuple[int, int],
    channels: int,
    *,
    resolution: tuple[float, float] | None = None,
) -> bytes:
    """PNG of pixels that `read(start, stop)` makes row by row, so that no whole frame is needed.

    `size` is (width, height). `read` returns uint8 of (stop - start) x width x `channels` and is
    called from several threads.
    """
    width, height = size
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPE[channels], 0, 0, 0)
    return b"".join((
        SIGNATURE,
        *_chunk(b"IHDR", header),
        *_colour_chunks(),
        *_resolution_chunk(resolution),
        *_chunk(b"IDAT", *_zlib_stream(read, size, channels)),
        *_chunk(b"IEND"),
    ))  # fmt: skip


def placed(content: bytes, left: int, top: int) -> bytes:
    """A PNG of ours that says where it lies in a larger picture: the chunk oFFs, in pixels."""
    header = len(SIGNATURE) + 25  # IHDR, which comes first
    chunk = b"".join(_chunk(b"oFFs", struct.pack(">iiB", left, top, 0)))
    return content[:header] + chunk + content[header:]


def interleave(rgb: Pixels, alpha: Pixels) -> Pixels:
    """uint8 (h, w, 4) of colour (h, w, 3) and alpha (h, w)."""
    rgba = cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)
    rgba[..., 3] = alpha
    return cast(Pixels, rgba)


def _chunk(kind: bytes, *parts: bytes) -> Iterator[bytes]:
    yield struct.pack(">I", sum(map(len, parts)))
    checksum = isal_zlib.crc32(kind)
    yield kind
    for part in parts:
        checksum = isal_zlib.crc32(part, checksum)
        yield part
    yield struct.pack(">I", checksum)


def _colour_chunks() -> Iterator[bytes]:
    """sRGB, perceptual, with the gAMA and cHRM that the specification gives older readers."""
    yield from _chunk(b"sRGB", b"\0")
    yield from _chunk(b"gAMA", struct.pack(">I", 45455))
    chromaticities = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    yield from _chunk(b"cHRM", struct.pack(">8I", *chromaticities))


def _resolution_chunk(resolution: tuple[float, float] | None) -> Iterator[bytes]:
    if resolution is not None:
        x, y = (min(round(dpi / _METRES_PER_INCH), 2**31 - 1) for dpi in resolution)
        yield from _chunk(b"pHYs", struct.pack(">IIB", x, y, 1))


def _zlib_stream(read: RowReader, size: tuple[int, int], channels: int) -> list[bytes]:
    width, height = size
    rows = max(1, _BAND_BYTES // (width * channels))
    starts = range(0, height, rows)

    def band(start: int) -> tuple[bytes, int, int]:
        stop = min(start + rows, height)
        filtered = _filtered(read, start, stop, width * channels)
        compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -15)
        last = isal_zlib.Z_FINISH if stop == height else isal_zlib.Z_FULL_FLUSH
        data = compressor.compress(filtered) + compressor.flush(last)
        return data, isal_zlib.adler32(filtered), filtered.size

    with ThreadPoolExecutor(threads.count()) as pool:
        bands = list(pool.map(band, starts)) if len(starts) > 1 else [band(0)]
    checksum = 1
    for _, part, length in bands:
        checksum = _adler32_combine(checksum, part, length)
    return [b"\x78\x01", *(data for data, _, _ in bands), struct.pack(">I", checksum)]


def _filtered(read: RowReader, start: int, stop: int, stride: int) -> Pixels:
    """Rows start..stop, each as its filter byte and its difference from the row above."""
    above = max(start - 1, 0)
    pixels = read(above, stop).reshape(stop - above, stride)
    filtered = np.empty((stop - start, 1 + stride), np.uint8)
    filtered[:, 0] = _UP
    if start == 0:
        filtered[0, 1:] = pixels[0]  # above the first row all is 0
        np.subtract(pixels[1:], pixels[:-1], out=filtered[1:, 1:])
    else:
        np.subtract(pixels[1:], pixels[:-1], out=filtered[:, 1:])
    return filtered.reshape(-1)


def _adler32_combine(first: int, second: int, second_length: int) -> int:
    """The Adler-32 of two runs of bytes from the checksum of each (RFC 1950, section 8.2)."""
    low = ((first & 0xFFFF) + (second & 0xFFFF) - 1) % _ADLER_MODULUS
    high = (
        (first >> 16) + (second >> 16) + second_length * ((first & 0xFFFF) - 1)
    ) % _ADLER_MODULUS
    return (high << 16) | low
