"""HEIC files put together box by box around one coded picture."""

import io
import struct
from functools import cache

import pillow_heif
from PIL import Image

from .hostile import box

Boxes = dict[int, list[int]]


def full(kind: bytes, version: int, *parts: bytes) -> bytes:
    return box(kind, struct.pack(">I", version << 24), *parts)


def _children(data: bytes, at: int, end: int) -> dict[bytes, tuple[int, int]]:
    found = {}
    while at + 8 <= end:
        length, kind = struct.unpack_from(">I4s", data, at)
        found[kind] = at + 8, at + length
        at += length
    return found


@cache
def coded(side: int) -> tuple[bytes, bytes]:
    """The decoder's configuration and the bitstream of one plain square picture."""
    buffer = io.BytesIO()
    image = Image.new("RGB", (side, side), (90, 120, 60))
    pillow_heif.from_pillow(image).save(buffer, format="HEIF", quality=10)
    data = buffer.getvalue()
    top = _children(data, 0, len(data))
    meta = _children(data, top[b"meta"][0] + 4, top[b"meta"][1])
    properties = _children(data, *_children(data, *meta[b"iprp"])[b"ipco"])
    start, end = properties[b"hvcC"]
    return data[start - 8 : end], data[slice(*top[b"mdat"])]


def size(width: int, height: int) -> bytes:
    return full(b"ispe", 0, struct.pack(">II", width, height))


def overlay(side: int, count: int) -> bytes:
    """The body of an overlay of `count` pictures on a canvas of side x side."""
    return struct.pack(">BB4HII", 0, 1, 0, 0, 0, 65535, side, side) + bytes(8 * count)


def grid(columns: int, rows: int, side: int) -> bytes:
    return struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, side, side)


def heic(
    items: dict[int, tuple[bytes, bytes, int]],
    sources: Boxes,
    primary: int,
    thumbnail_of: int | None = None,
) -> bytes:
    """items: number -> (kind, body, side that it states); a coded one has kind hvc1 and no body.
    sources: of what a derived one is made."""
    configuration, stream = coded(1024)
    sides = sorted({side for _, _, side in items.values()})
    properties = [configuration, *(size(side, side) for side in sides)]
    bodies, places = b"", b""
    for number, (kind, body, _) in items.items():
        body = body if kind != b"hvc1" else stream
        places += struct.pack(">HHHHII", number, 1, 0, 1, len(bodies), len(body))
        bodies += body
    kinds = (full(b"infe", 2, struct.pack(">HH4s", number, 0, kind), b"\0")
             for number, (kind, _, _) in items.items())  # fmt: skip
    told = b"".join(
        struct.pack(">HBBB", number, 2, 0x81 if kind == b"hvc1" else 0, 2 + sides.index(side))
        for number, (kind, _, side) in items.items()
    )
    references = (box(b"dimg", struct.pack(f">HH{len(of)}H", number, len(of), *of))
                  for number, of in sources.items())  # fmt: skip
    thumbnail = b""
    if thumbnail_of is not None:
        thumbnail = box(b"thmb", struct.pack(">HHH", primary, 1, thumbnail_of))
    count = struct.pack(">H", len(items))
    return box(b"ftyp", b"heic", bytes(4), b"mif1heic") + full(
        b"meta", 0,
        full(b"hdlr", 0, bytes(4), b"pict", bytes(13)),
        full(b"pitm", 0, struct.pack(">H", primary)),
        full(b"iloc", 1, struct.pack(">H", 0x4400), count, places),
        full(b"iinf", 0, count, *kinds),
        box(b"iprp", box(b"ipco", *properties),
            full(b"ipma", 0, struct.pack(">I", len(items)), told)),
        full(b"iref", 0, *references, thumbnail),
        box(b"idat", bodies),
    )  # fmt: skip
