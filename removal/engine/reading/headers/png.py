"""PNG's chunks: those that decoding needs go on, all others (text, animation) stay behind."""

import struct
import zlib
from collections.abc import Iterator

from .container import Container, Damaged
from .tags import dots_per_inch, exif

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 100_000  # libpng writes 8 KiB a chunk: 4,000 in the largest upload
_MAX_PROFILE = 4 << 20
_NEEDED = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_INCHES_PER_METRE = 0.0254


def read(data: bytes) -> Container:
    payload, notes = [SIGNATURE], dict[bytes, bytes]()
    for kind, start, end in _chunks(data):
        if kind in _NEEDED:
            payload.append(data[start - 8 : end + 4])
        elif kind in (b"eXIf", b"cICP", b"iCCP", b"pHYs"):
            notes.setdefault(kind, data[start:end])
    if len(payload) < 2 or payload[1][4:8] != b"IHDR" or len(payload[1]) != 25:
        raise Damaged("it does not begin with an IHDR chunk")
    width, height, depth = struct.unpack_from(">IIB", payload[1], 8)
    _check_methods(*struct.unpack_from(">BBB", payload[1], 18))
    directory = exif(notes.get(b"eXIf", b""))
    orientation = directory.orientation if directory else 1
    return Container(
        "PNG",
        (width, height),
        b"".join(payload),
        exif_orientation=orientation,
        orientation=orientation,
        resolution=_resolution(notes.get(b"pHYs", b"")),
        profile=_profile(notes.get(b"iCCP", b"")),  # outweighs an sRGB chunk, PNG 3rd edition 4.3
        cicp=_cicp(notes.get(b"cICP", b"")),
        depth=depth,
    )


def _check_methods(compression: int, filtering: int, interlace: int) -> None:
    """Raises Damaged for unknown methods, which decoders ignore or decode to noise."""
    if compression or filtering or interlace > 1:
        raise Damaged(
            f"it names an unknown method (compression {compression}, filter {filtering}, "
            f"interlace {interlace}), where PNG has only 0, 0 and 0 or 1"
        )


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of each chunk's content, up to IEND or to where the file is cut off."""
    at = len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if at + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at + 8, at + 8 + length
        if kind == b"IEND":
            return
        at += 12 + length
    raise Damaged(f"it has more than {_MAX_CHUNKS:,} chunks")


def _resolution(body: bytes) -> tuple[float, float] | None:
    if len(body) != 9 or body[8] != 1:  # 1: pixels per metre
        return None
    x, y = struct.unpack_from(">II", body)
    return dots_per_inch(x * _INCHES_PER_METRE, y * _INCHES_PER_METRE)


def _cicp(body: bytes) -> tuple[int, int] | None:
    return (body[0], body[1]) if len(body) == 4 else None


def _profile(body: bytes) -> bytes | None:
    _, _, packed = body.partition(b"\0")
    if packed[:1] != b"\0":  # deflate, the only method
        return None
    try:
        return zlib.decompressobj().decompress(packed[1:], _MAX_PROFILE) or None
    except zlib.error:
        return None
