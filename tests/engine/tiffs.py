"""A writer of TIFF in every way that the format allows, and what each picture should look like.

Samples are integers (h, w, n) of `bits` bits. What is written here is held against tifffile and
libvips, see test_tiff.py.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

NONE, RLE, G3, G4, LZW, JPEG, DEFLATE, PACKBITS = 1, 2, 3, 4, 5, 7, 8, 32773
SHORT, LONG, RATIONAL, UNDEFINED, LONG8 = 3, 4, 5, 7, 16
LAYOUTS = {UNDEFINED: "B", SHORT: "H", LONG: "I", RATIONAL: "I", LONG8: "Q"}


@dataclass(frozen=True)
class Form:
    """Everything about a file but its picture. `extra` is None where the tag is left out."""

    photometric: int = 1
    bits: int = 8
    extra: tuple[int, ...] | None = ()
    separate: bool = False
    compression: int = NONE
    order: str = "<"
    tile: tuple[int, int] | None = None
    rows: int = 7
    differences: bool = False
    reversed_bits: bool = False
    big: bool = False


def write(samples: np.ndarray, form: Form, **more: tuple[int, list[int]]) -> bytes:
    """more: further tags, t254=(type, values)."""
    parts = [packed(part, form) for part in parts_of(samples, form)]
    return file_of(parts, tags_of(samples.shape, form) | numbered(more), form)


def numbered(tags: dict[str, tuple[int, list[int]]]) -> dict[int, tuple[int, list[int]]]:
    return {int(name[1:]): value for name, value in tags.items()}


def tags_of(shape: tuple[int, ...], form: Form) -> dict[int, tuple[int, list[int]]]:
    height, width, count = shape
    tags = {
        256: (LONG, [width]), 257: (LONG, [height]), 258: (SHORT, [form.bits] * count),
        259: (SHORT, [form.compression]), 262: (SHORT, [form.photometric]), 277: (SHORT, [count]),
        284: (SHORT, [1 + form.separate]),
    }  # fmt: skip
    if form.extra:
        tags[338] = SHORT, [*form.extra]
    if form.differences:
        tags[317] = SHORT, [2]
    if form.reversed_bits:
        tags[266] = SHORT, [2]
    if form.tile:
        tags |= {322: (LONG, [form.tile[0]]), 323: (LONG, [form.tile[1]])}
    else:
        tags[278] = LONG, [form.rows]
    return tags


def file_of(parts: list[bytes], tags: dict[int, tuple[int, list[int]]], form: Form) -> bytes:
    start, places = 16, (324, 325) if form.tile else (273, 279)
    offsets = [start + sum(map(len, parts[:index])) for index in range(len(parts))]
    tags = tags | {places[0]: (LONG, offsets), places[1]: (LONG, [len(part) for part in parts])}
    body = b"".join(parts)
    body += bytes(len(body) % 2)
    return header(form, start + len(body)) + body + directory(tags, form, start + len(body))


def header(form: Form, first: int) -> bytes:
    mark = b"II" if form.order == "<" else b"MM"
    if form.big:
        return mark + struct.pack(form.order + "HHHQ", 43, 8, 0, first)
    return (mark + struct.pack(form.order + "HI", 42, first)).ljust(16, b"\0")


def directory(
    tags: dict[int, tuple[int, list[int]]], form: Form, at: int, following: int = 0
) -> bytes:
    """A directory that lies at `at`, and behind it the values that don't fit into it."""
    word = "Q" if form.big else "I"
    size = struct.calcsize(word)
    entries, values = b"", b""
    beyond = at + (8 if form.big else 2) + len(tags) * (4 + 2 * size) + size
    for tag, (kind, numbers) in sorted(tags.items()):
        packed = struct.pack(f"{form.order}{len(numbers)}{LAYOUTS[kind]}", *numbers)
        if len(packed) > size:
            place = struct.pack(form.order + word, beyond + len(values))
            values += packed
        else:
            place = packed.ljust(size, b"\0")
        count = len(numbers) // (2 if kind == RATIONAL else 1)
        entries += struct.pack(form.order + "HH" + word, tag, kind, count) + place
    head = struct.pack(form.order + ("Q" if form.big else "H"), len(tags))
    return head + entries + struct.pack(form.order + word, following) + values


def parts_of(samples: np.ndarray, form: Form) -> Iterator[np.ndarray]:
    """The samples of each strip or tile, (rows, width, samples), in the order of the file."""
    planes = np.split(samples, samples.shape[2], axis=2) if form.separate else [samples]
    for plane in planes:
        height, width = plane.shape[:2]
        if form.tile is None:
            yield from (plane[top : top + form.rows] for top in range(0, height, form.rows))
            continue
        across, down = form.tile
        padding = ((0, -height % down), (0, -width % across), (0, 0))
        whole = np.pad(plane, padding, mode="edge")
        for top in range(0, height, down):
            for left in range(0, width, across):
                yield whole[top : top + down, left : left + across]


def packed(part: np.ndarray, form: Form) -> bytes:
    if form.compression == JPEG:
        return _jpeg(part, form)
    if form.compression in (RLE, G3, G4):
        return _fax(part, form.compression)
    if form.differences:
        part = np.diff(part, axis=1, prepend=0) % 2**form.bits
    plain = _bytes(part, form)
    if form.compression == LZW:
        plain = _lzw(plain)
    elif form.compression == DEFLATE:
        plain = zlib.compress(plain)
    elif form.compression == PACKBITS:
        runs = [plain[at : at + 128] for at in range(0, len(plain), 128)]
        plain = b"".join(bytes([len(run) - 1]) + run for run in runs)
    return _turned_round(plain) if form.reversed_bits else plain


def _bytes(part: np.ndarray, form: Form) -> bytes:
    if form.bits in (8, 16):
        return part.astype(f"{form.order}u{form.bits // 8}").tobytes()
    places = np.arange(form.bits - 1, -1, -1)
    bits = (part[..., None] >> places) & 1
    return np.packbits(bits.reshape(len(part), -1).astype(np.uint8), axis=1).tobytes()


def _turned_round(data: bytes) -> bytes:
    bits = np.unpackbits(np.frombuffer(data, np.uint8)[:, None], axis=1)
    return np.packbits(bits[:, ::-1], axis=1).tobytes()


def _lzw(data: bytes) -> bytes:
    """Single bytes only; the table is cleared before codes of ten bits come."""
    codes: list[int] = []
    for at in range(0, len(data), 250):
        codes += [256, *data[at : at + 250]]
    bits = (np.array([*codes, 257])[:, None] >> np.arange(8, -1, -1)) & 1
    return np.packbits(bits.astype(np.uint8)).tobytes()


def _jpeg(part: np.ndarray, form: Form) -> bytes:
    samples = part.astype(np.uint8)
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[part.shape[2]]
    if mode == "CMYK":
        samples = 255 - samples  # Pillow turns it over, as Adobe's programs do
    image = Image.fromarray(samples[..., 0] if mode == "L" else samples, mode)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=100, subsampling=0, keep_rgb=form.photometric != 6)
    return buffer.getvalue()


def _fax(part: np.ndarray, compression: int) -> bytes:
    buffer = io.BytesIO()
    name = {RLE: "tiff_ccitt", G3: "group3", G4: "group4"}[compression]
    bits = Image.fromarray(part[..., 0].astype(np.uint8) * 255).convert("1")
    bits.save(buffer, "TIFF", compression=name, strip_size=1 << 20)
    with Image.open(buffer) as image:
        assert isinstance(image, TiffImageFile)
        tags = image.tag_v2
        (start,), (length,) = tags[273], tags[279]
    return buffer.getvalue()[start : start + length]
