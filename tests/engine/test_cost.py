"""What the most costly small files may cost, in seconds of one core, whatever they state.

The budget is several times what each takes now. Without the bound that a file tries, it takes ten
times as much or more, or gigabytes.
"""

import re
import struct
import time
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from removal.engine.errors import EngineError, TooManyPixels
from removal.engine.reading.decode import decode, inspect, opened
from removal.engine.reading.headers.png import SIGNATURE

from . import heics, hostile

BUDGET = 6.0
LONG = 32_000_000
CODED = (b"hvc1", b"", 1024)


def noise(count: int = 1, size: tuple[int, int] = (300, 200)) -> list[Image.Image]:
    return [Image.effect_noise(size, 60).convert("RGB") for _ in range(count)]


def thin_png(width: int, height: int) -> bytes:
    """Grey, of one row or one column; black."""
    raw = bytes(1 + width) if height == 1 else bytes(2 * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return SIGNATURE + b"".join((
        hostile.png_chunk(b"IHDR", header),
        hostile.png_chunk(b"IDAT", zlib.compress(raw, 1)),
        hostile.png_chunk(b"IEND"),
    ))  # fmt: skip


def tiny_chunks() -> bytes:
    raw = zlib.compress(bytes(901 * 200), 0)
    header = struct.pack(">IIBBBBB", 300, 200, 8, 2, 0, 0, 0)
    chunks = (hostile.png_chunk(b"IDAT", raw[at : at + 2]) for at in range(0, len(raw), 2))
    return SIGNATURE + b"".join((
        hostile.png_chunk(b"IHDR", header), *chunks, hostile.png_chunk(b"IEND"))
    )  # fmt: skip


def texts() -> bytes:
    bomb = hostile.png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50 << 20)))
    data = hostile.saved(noise()[0], "PNG")
    return data[:33] + bomb * 10 + data[33:]


def profile_bomb() -> bytes:
    bomb = hostile.png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(50 << 20)))
    data = hostile.saved(noise()[0], "PNG")
    return data[:33] + bomb + data[33:]


def scans(count: int) -> bytes:
    data = hostile.saved(Image.new("L", (5600, 5600)), "JPEG", progressive=True)
    return data[:-2] + b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x10" * count + data[-2:]


def declared(name: str, **options) -> bytes:
    """A small JPEG that states 31 megapixels."""
    data = hostile.saved(noise()[0], name, **options)
    return data.replace(struct.pack(">HH", 200, 300), struct.pack(">HH", 5600, 5600))


def profiles_in_jpeg() -> bytes:
    parts = (b"ICC_PROFILE\0" + bytes((number, 255)) + bytes(65_000) for number in range(1, 256))
    data = hostile.saved(noise()[0], "JPEG")
    return hostile.with_segments(data, *(hostile.jpeg_segment(0xE2, part) for part in parts))


def animation(name: str) -> bytes:
    first, *rest = noise(12)
    return hostile.saved(first, name, save_all=True, append_images=rest)


def shared_tags() -> bytes:
    own = [(256, 4, 1, 10), (257, 4, 1, 10), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
           (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, 10), (279, 4, 1, 100)]  # fmt: skip
    private = [(tag, 2, 3_000_000, 8) for tag in range(40_000, 40_900)]
    return hostile.tiff_block(*own, *private, data=bytes(3_000_000))


def nested_overlays(each: int, depth: int) -> bytes:
    """An overlay of overlays of ..., each of `each` times the same: each ** depth canvases."""
    items = {number: (b"iovl", heics.overlay(3000, each), 3000) for number in range(2, 2 + depth)}
    sources = {number: [number - 1] * each for number in items}
    return heics.heic({1: CODED} | items, sources, 1 + depth)


def hidden_canvas(stated: int) -> bytes:
    """An overlay of 600 pixels' side of one of 20,000: 1.2 GB."""
    inner = (b"iovl", heics.overlay(20_000, 1), stated)
    return heics.heic(
        {1: CODED, 2: inner, 3: (b"iovl", heics.overlay(600, 1), 600)}, {2: [1], 3: [2]}, 3
    )


def grid_of(columns: int, side: int) -> bytes:
    tiles = list(range(1, columns**2 + 1))
    items = dict.fromkeys(tiles, CODED)
    whole = (b"grid", heics.grid(columns, columns, side), side)
    return heics.heic(items | {5000: whole}, {5000: tiles}, 5000)


def circle() -> bytes:
    canvas = (b"iovl", heics.overlay(600, 1), 600)
    return heics.heic({1: CODED, 2: canvas, 3: canvas}, {2: [3], 3: [2]}, 3)


def chain(kind: bytes, length: int, each: int) -> bytes:
    body = heics.overlay(1, 0) if kind == b"iovl" else b""
    items = dict.fromkeys(range(2, length), (kind, body, 1))
    return heics.heic(
        {1: CODED} | items, {number: [number - 1] * each for number in items}, length - 1
    )


# name -> (file, what the refusal says or None where the picture is read)
CORPUS: dict[str, tuple[Callable[[], bytes], str | None]] = {
    "PNG, 32M x 1": (lambda: thin_png(LONG, 1), None),
    "PNG, 1 x 32M": (lambda: thin_png(1, LONG), None),
    "TIFF, 32M x 1": (lambda: hostile.tiff(bytes(LONG // 8), LONG, 1, bits=1), None),
    "TIFF, 1 x 32M": (lambda: hostile.tiff(bytes(LONG), 1, LONG, bits=1), None),
    "TIFF, 125,000 strips": (lambda: hostile.tiff(bytes(125_000), 1, 125_000, rows=1), "names 1"),
    "TIFF, tags that share bytes": (shared_tags, None),
    "PNG of tiny chunks": (tiny_chunks, None),
    "PNG of texts": (texts, None),
    "PNG, a profile that swells": (profile_bomb, None),
    "PNG, more rows than stated": (lambda: hostile.png(30, 20, raw=bytes(100 << 20)), None),
    "JPEG, empty scans": (lambda: scans(20), None),
    "JPEG, more scans": (lambda: scans(40), "more than 31 scans"),
    "JPEG, small but for its header": (lambda: declared("JPEG"), "damaged or cut off"),
    "JPEG, so in many scans": (lambda: declared("JPEG", progressive=True), "damaged or cut off"),
    "JPEG, 16 MB of profile": (profiles_in_jpeg, None),
    "GIF, a huge screen": (lambda: hostile.gif((65_535, 488), (0, 0, 1, 1)), None),
    "GIF, animated": (lambda: animation("GIF"), None),
    "WebP, animated": (lambda: animation("WEBP"), None),
    "AVIF, animated": (lambda: animation("AVIF"), None),
    "AVIF, frames larger than stated": (lambda: hostile.avif((16_384, 16_384)), "frames have"),
    "HEIC, one overlay": (lambda: nested_overlays(1, 1), None),
    "HEIC, overlays of overlays": (lambda: nested_overlays(4, 3), "pixels in all"),
    "HEIC, a canvas that is not seen": (lambda: hidden_canvas(20_000), "has 400,000,000 pixels"),
    "HEIC, a canvas that lies": (lambda: hidden_canvas(600), "has 400,000,000 pixels"),
    "HEIC, a grid": (lambda: grid_of(2, 2000), None),
    "HEIC, a grid of more than it shows": (lambda: grid_of(13, 1000), "pixels in all"),
    "HEIC, a circle": (circle, "circle"),
    "HEIC, a long chain": (lambda: chain(b"iden", 900, 1), "too deep"),
    "HEIC, a tree of nothing": (lambda: chain(b"iovl", 8, 250), "pixels in all"),
}


@pytest.mark.parametrize("name", CORPUS)
def test_a_file_costs_no_more_than_its_budget(name):
    make, refusal = CORPUS[name]
    data = make()

    before = time.process_time()
    said = None
    try:
        decode(opened(data), 25_000_000)
    except EngineError as error:
        said = str(error)

    assert time.process_time() - before < BUDGET
    assert (said is None) == (refusal is None), said
    assert refusal is None or re.search(refusal, str(said))


def test_the_pieces_of_a_picture_are_laid_where_they_belong():
    """The corpus' HEIC files are real ones: the overlay shows its picture and its canvas."""
    data = nested_overlays(1, 1)

    rgb = decode(opened(data), 25_000_000).rgb.astype(int)

    assert abs(rgb[500, 500] - (90, 120, 60)).max() <= 3
    assert rgb[2500, 2500].max() == 0


def test_another_than_the_primary_picture_is_never_shown():
    """libheif drops an overlay that it finds no sense in, and offers the next picture."""
    data = heics.heic({1: CODED, 2: (b"iovl", heics.overlay(600, 9), 600)}, {2: [1] * 9}, 2)

    with pytest.raises(EngineError, match="primary picture"):
        inspect(data)


def test_a_picture_in_another_codec_is_refused_for_that():
    data = heics.heic({1: CODED, 2: (b"avc1", b"", 64)}, {}, 2)

    with pytest.raises(EngineError, match="coded as AVC"):
        inspect(data)


def test_of_a_thumbnail_that_a_file_names_the_master_is_shown():
    data = heics.heic({1: CODED, 2: CODED}, {}, 2, thumbnail_of=1)

    assert inspect(data).size == (1024, 1024)


def test_a_picture_that_is_too_large_is_refused_for_its_size():
    data = heics.heic({1: CODED, 2: (b"iovl", heics.overlay(12_000, 1), 12_000)}, {2: [1]}, 2)

    with pytest.raises(TooManyPixels, match="144,000,000"):
        inspect(data)
