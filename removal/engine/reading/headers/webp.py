"""WebP's RIFF chunks: the canvas size before the library would allocate it, EXIF and profile."""

import struct
from collections.abc import Iterator

from .container import Container, Damaged
from .tags import exif

_MAX_CHUNKS = 10_000  # an animation has one a frame
_VP8_START = b"\x9d\x01\x2a"
_VP8L_START = 0x2F


def read(data: bytes) -> Container:
    if not data.startswith(b"RIFF"):
        raise Damaged("it does not begin with RIFF")
    chunks = dict[bytes, bytes]()
    for kind, body in _chunks(data):
        chunks.setdefault(kind, body)
    try:
        size = _size(chunks)
    except struct.error as error:
        raise Damaged("it is cut off inside its header") from error
    directory = exif(chunks.get(b"EXIF", b"").removeprefix(b"Exif\0\0"))
    orientation = directory.orientation if directory else 1
    return Container(
        "WEBP",
        size,
        data,
        exif_orientation=orientation,
        orientation=orientation,
        resolution=directory.resolution if directory else None,
        profile=chunks.get(b"ICCP"),
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    for _ in range(_MAX_CHUNKS):
        if at + 8 > len(data):
            return
        kind, length = struct.unpack_from("<4sI", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    raise Damaged(f"it has more than {_MAX_CHUNKS:,} chunks")


def _size(chunks: dict[bytes, bytes]) -> tuple[int, int]:
    if b"VP8X" in chunks:
        low_w, high_w, low_h, high_h = struct.unpack_from("<HBHB", chunks[b"VP8X"], 4)
        return (high_w << 16 | low_w) + 1, (high_h << 16 | low_h) + 1
    if b"VP8L" in chunks:
        start, bits = struct.unpack_from("<BI", chunks[b"VP8L"])
        if start == _VP8L_START:
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if b"VP8 " in chunks:
        start, width, height = struct.unpack_from("<3sHH", chunks[b"VP8 "], 3)
        if start == _VP8_START:
            return width & 0x3FFF, height & 0x3FFF
    raise Damaged("it holds no picture")
