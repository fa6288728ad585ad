"""Strips and tiles, unpacked into rows of bytes as they were before they were compressed.

libtiff, by way of Pillow, undoes the compression, and gets to see files that are made here: strips
of plain bytes, of black and white, or of JPEG, which is all that these codes know of.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from removal.engine.arrays import Bytes
from removal.engine.reading.headers.container import Damaged
from removal.engine.reading.headers.page import (
    BLACK_IS_ZERO,
    CCITT,
    CMYK,
    JPEG,
    RGB,
    UNCOMPRESSED,
    YCBCR,
    Page,
)

_BAND_BYTES = 1 << 22  # unpacked at a time, if strips and tiles are smaller
_REVERSED = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1])
_MOST_GROWTH = 8
_LONG, _UNDEFINED = 4, 7  # types of values
_HEADER_BYTES = 8
_CUT_OFF = "it is damaged or cut off: a part of its picture data is missing"


class _Strips(TiffImageFile):
    """Without Pillow's warning about many pixels: these are bytes, and are bounded before."""

    def load_prepare(self) -> None:
        self.im = Image.new(self.mode, self.size, None).im
        super().load_prepare()


@dataclass(frozen=True, slots=True)
class Band:
    """Rows of the picture from `top` on: uint8 (rows, strips or tiles across, bytes)."""

    top: int
    raw: Bytes


@dataclass(frozen=True, slots=True)
class _Shape:
    """Of a strip or tile: the samples side by side in it, its rows, and their bytes."""

    samples: int
    rows: int
    row_bytes: int


def bands(data: bytes, page: Page, plane: int) -> Iterator[Band]:
    """The picture, or one of its planes, from top to bottom. Raises Damaged."""
    shape = _shape(page)
    step = max(1, _BAND_BYTES // (shape.rows * shape.row_bytes * page.across))
    first = plane * page.across * page.down
    for down in range(0, page.down, step):
        count = min(step, page.down - down)
        top = down * page.part[1]
        rows = shape.rows * count
        if not page.tiled:  # the last strip ends with the picture
            rows = min(rows, -(-(page.size[1] - top) // page.unit_rows))
        start = first + down * page.across
        packed = range(start, start + count * page.across)
        raw = _unpacked(data, page, shape, packed, rows * page.across)
        yield Band(top, _side_by_side(raw, page.across, shape, rows))


def _side_by_side(raw: Bytes, across: int, shape: _Shape, rows: int) -> Bytes:
    if across == 1:
        return raw[:, None]
    tiles = raw.reshape(-1, across, shape.rows, shape.row_bytes)
    return tiles.transpose(0, 2, 1, 3).reshape(rows, across, shape.row_bytes)


def _shape(page: Page) -> _Shape:
    samples = 1 if page.separate else page.samples
    width, rows = page.part
    if page.is_subsampled:
        across, down = page.subsampling
        return _Shape(samples, -(-rows // down), -(-width // across) * (across * down + 2))
    return _Shape(samples, rows, -(-width * samples * page.bits // 8))


def _unpacked(data: bytes, page: Page, shape: _Shape, parts: range, rows: int) -> Bytes:
    """The strips or tiles with the numbers `parts`, one under another."""
    if page.compression == UNCOMPRESSED:
        return _plain(data, page, shape, parts, rows)
    packed = [_packed(data, page, shape, part) for part in parts]
    if page.compression in CCITT:
        bits = _library(page, packed, (page.part[0], rows), shape.rows)
        return np.packbits(bits.astype(bool), axis=1)
    if page.compression == JPEG:
        pixels = _library(page, packed, (page.part[0], rows), shape.rows, shape.samples)
        return pixels.reshape(rows, -1)
    return _library(page, packed, (shape.row_bytes, rows), shape.rows)


def _plain(data: bytes, page: Page, shape: _Shape, parts: range, rows: int) -> Bytes:
    found, left = [], rows * shape.row_bytes
    for part in parts:
        length = min(left, shape.rows * shape.row_bytes)
        if page.offsets[part] + length > len(data):
            raise Damaged(_CUT_OFF)
        found.append(np.frombuffer(data, np.uint8, length, page.offsets[part]))
        left -= length
    raw = found[0] if len(found) == 1 else np.concatenate(found)
    if page.reversed_bits:
        raw = _REVERSED[raw]
    return raw.reshape(rows, shape.row_bytes)


def _packed(data: bytes, page: Page, shape: _Shape, part: int) -> bytes:
    """At most the bytes that the worst packing makes of a part: parts that share their bytes would
    else be copied without bound. Fax codes can take six times the bytes of a pattern of dots."""
    start = page.offsets[part]
    most = _MOST_GROWTH * shape.rows * shape.row_bytes + 4096
    stated = page.lengths[part] if part < len(page.lengths) else 0
    if start + max(stated, 1) > len(data):  # not all codes tell by themselves that they are cut
        raise Damaged(_CUT_OFF)
    return data[start : start + min(stated or most, most)]


def _library(
    page: Page, packed: list[bytes], size: tuple[int, int], rows_of_strip: int, samples: int = 1
) -> Bytes:
    """What libtiff makes of `packed` as the strips of a file of their own."""
    bits = 1 if page.compression in CCITT else 8
    tags: dict[int, tuple[int, ...] | bytes] = {
        256: (size[0],), 257: (size[1],), 258: (bits,) * samples, 259: (page.compression,),
        262: (_photometric(page, samples),), 266: (1 + page.reversed_bits,), 277: (samples,),
        278: (rows_of_strip,), 292: (page.fax_options,), 293: (page.fax_options,),
    }  # fmt: skip
    if page.compression == JPEG:
        tags |= {347: page.jpeg_tables} if page.jpeg_tables else {}
        tags |= {530: page.subsampling} if tags[262] == (YCBCR,) else {}
    with _Strips(io.BytesIO(_file(packed, tags))) as image:
        image.load()
        return np.asarray(image)


def _photometric(page: Page, samples: int) -> int:
    if samples == 3:
        return YCBCR if page.photometric == YCBCR else RGB
    return CMYK if samples == 4 else BLACK_IS_ZERO


def _file(strips: list[bytes], tags: dict[int, tuple[int, ...] | bytes]) -> bytes:
    """A TIFF of these strips: header, strips, directory, and the values that don't fit into it."""
    lengths = tuple(map(len, strips))
    offsets = tuple(accumulate(lengths[:-1], initial=_HEADER_BYTES))
    tags = tags | {273: offsets, 279: lengths}
    start = _HEADER_BYTES + sum(lengths)
    beyond = start + 2 + 12 * len(tags) + 4
    entries, values = [], bytearray()
    for tag, value in sorted(tags.items()):
        kind, count = (_UNDEFINED, len(value)) if isinstance(value, bytes) else (_LONG, len(value))
        packed = value if isinstance(value, bytes) else struct.pack(f"<{count}I", *value)
        entry = packed.ljust(4, b"\0")
        if len(packed) > 4:
            entry = struct.pack("<I", beyond + len(values))
            values += packed
        entries.append(struct.pack("<HHI", tag, kind, count) + entry)
    head = struct.pack("<4sI", b"II*\0", start)
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    return b"".join((head, *strips, directory, values))
