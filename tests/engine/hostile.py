"""Files made by hand, byte by byte, to mislead or exhaust a decoder."""

import io
import struct
import zlib

from PIL import Image

from removal.engine.reading.headers.png import SIGNATURE


def saved(image: Image.Image, name: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *extra: bytes, depth=8, colour_type=2, raw=b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return b"".join((
        SIGNATURE,
        png_chunk(b"IHDR", header),
        *extra,
        png_chunk(b"IDAT", zlib.compress(raw)),
        png_chunk(b"IEND"),
    ))  # fmt: skip


def tiff_block(*entries: tuple[int, int, int, int], data: bytes = b"", order="<") -> bytes:
    """A TIFF structure: header, then `data` at offset 8, then the directory of `entries`."""
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return b"".join((
        magic,
        struct.pack(order + "I", 8 + len(data)),
        data,
        struct.pack(order + "H", len(entries)),
        *(struct.pack(order + "HHII", *entry) for entry in entries),
        bytes(4),
    ))  # fmt: skip


def tiff(pixels: bytes, width: int, height: int, *, bits=8, samples=1, **tags: int) -> bytes:
    """An uncompressed TIFF of one strip; `tags` by their TIFF names."""
    numbers = {
        "width": 256, "height": 257, "bits": 258, "compression": 259, "photometric": 262,
        "strip": 273, "orientation": 274, "samples": 277, "rows": 278, "bytes": 279,
        "tile_width": 322, "tile_length": 323, "sample_format": 339,
    }  # fmt: skip
    values = {
        "width": width, "height": height, "bits": bits, "compression": 1, "photometric": 1,
        "strip": 8, "samples": samples, "rows": height, "bytes": len(pixels),
    } | tags  # fmt: skip
    entries = sorted((numbers[name], 4, 1, value) for name, value in values.items())
    return tiff_block(*entries, data=pixels)


def jpeg_segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def gif(screen: tuple[int, int], frame: tuple[int, int, int, int], *extensions: bytes) -> bytes:
    """A GIF whose one frame (left, top, width, height) is cut from a real one-coloured one."""
    real = saved(Image.new("P", frame[2:], 0), "GIF")
    image = real[real.index(b",") + 10 :]
    palette = bytes((200, 100, 50)) + bytes(3)
    return b"".join((
        b"GIF89a",
        struct.pack("<HHBBB", *screen, 0x80, 0, 0),
        palette,
        *extensions,
        struct.pack("<BHHHHB", 0x2C, *frame, 0),
        image,
    ))  # fmt: skip


def box(kind: bytes, *parts: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, parts)), kind) + b"".join(parts)


def avif(frame: tuple[int, int], frames: int = 1) -> bytes:
    """The boxes of an AVIF around frames that are nothing but headers: they state their size."""
    fields = ((0, 3), (1, 1), (1, 1), (0, 5), (15, 4), (15, 4), (frame[0] - 1, 16))
    bits = "".join(f"{value:0{size}b}" for value, size in (*fields, (frame[1] - 1, 16)))
    sequence = int(bits.ljust(64, "0"), 2).to_bytes(8, "big")
    stream = b"\x0a\x08" + sequence + frames * b"\x32\0"
    location = struct.pack(">IHHHHHHII", 1 << 24, 0x4400, 1, 1, 1, 0, 1, 0, len(stream))
    entry = box(b"infe", struct.pack(">IHH4s", 2 << 24, 1, 0, b"av01"), b"\0")
    return box(b"ftyp", b"avif\0\0\0\0avif") + box(
        b"meta",
        bytes(4),
        box(b"iloc", location),
        box(b"iinf", struct.pack(">IH", 0, 1), entry),
        box(b"idat", stream),
    )
