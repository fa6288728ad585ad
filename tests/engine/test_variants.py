"""Variants of every format but TIFF: as libvips sees them, or refused for a reason that is true."""

import itertools
import struct

import cv2
import numpy as np
import pytest
import pyvips
import simplejpeg
from PIL import Image

from removal.engine import UnreadableImage
from removal.engine.reading.decode import MAX_INPUT_PIXELS, decode, opened

from .hostile import png, png_chunk, saved

SIZE = (30, 45)  # (rows, columns): blocks, filters and bytes that are not full


def waves(channels: int) -> np.ndarray:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    shades = [128 + 90 * np.sin(rows / 9 + columns / 7 + place) for place in range(channels)]
    return np.stack(shades, -1).astype(np.uint8)


PHOTO = Image.fromarray(waves(3))
SEE_THROUGH = Image.fromarray(waves(4), "RGBA")


def jpegs():
    for ratio in ("444", "422", "420", "440", "411"):
        yield f"JPEG {ratio}", simplejpeg.encode_jpeg(waves(3), 95, colorsubsampling=ratio)
    yield "JPEG grey", saved(PHOTO.convert("L"), "JPEG", quality=95)
    yield "JPEG progressive", saved(PHOTO, "JPEG", quality=95, progressive=True)
    yield "JPEG optimised", saved(PHOTO, "JPEG", quality=95, optimize=True)
    yield "JPEG RGB", saved(PHOTO, "JPEG", quality=95, keep_rgb=True)
    restarts = [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    yield "JPEG restarts", bytes(cv2.imencode(".jpg", waves(3), restarts)[1])


PNG_TYPES = (  # colour type, channels, depths
    (0, 1, (1, 2, 4, 8, 16)), (2, 3, (8, 16)), (3, 1, (1, 2, 4, 8)), (4, 2, (8, 16)),
    (6, 4, (8, 16)),
)  # fmt: skip


def pngs():
    """Every colour type and depth, by hand, with and without a transparent colour."""
    drawn = np.random.default_rng(4)
    for colour, channels, depths in PNG_TYPES:
        for depth, is_keyed in itertools.product(depths, (False, True)):
            if is_keyed and colour > 3:
                continue
            samples = drawn.integers(0, 2**depth, (*SIZE, channels))
            extra = [png_chunk(b"PLTE", drawn.bytes(3 * 2**depth))] if colour == 3 else []
            if is_keyed:
                key = struct.pack(f">{channels}H", *samples[3, 4])
                extra.append(png_chunk(b"tRNS", drawn.bytes(2**depth) if colour == 3 else key))
            name = f"PNG type {colour}, {depth} bits" + ", key" * is_keyed
            yield (
                name,
                png(
                    *SIZE[::-1],
                    *extra,
                    depth=depth,
                    colour_type=colour,
                    raw=rows_of(samples, depth),
                ),
            )
    for image, interlaced in itertools.product((PHOTO, SEE_THROUGH), (False, True)):
        saved_by_vips = pyvips.Image.new_from_array(np.asarray(image)).pngsave_buffer(
            interlace=interlaced
        )
        yield f"PNG {image.mode}" + ", interlaced" * interlaced, saved_by_vips


def rows_of(samples: np.ndarray, depth: int) -> bytes:
    bits = (samples[..., None] >> np.arange(depth - 1, -1, -1)) & 1
    packed = np.packbits(bits.reshape(len(samples), -1).astype(np.uint8), axis=1)
    return b"".join(b"\0" + row.tobytes() for row in packed)


def others():
    palette = PHOTO.quantize(64)
    yield "GIF", saved(palette, "GIF", interlace=False)
    yield "GIF interlaced", saved(palette, "GIF", interlace=True)
    yield "GIF with a clear colour", saved(palette, "GIF", transparency=5)
    yield (
        "GIF animated",
        saved(
            palette,
            "GIF",
            save_all=True,
            append_images=[palette.transpose(Image.Transpose.ROTATE_180)],
        ),
    )
    for image in (PHOTO, SEE_THROUGH):
        yield f"WebP {image.mode}", saved(image, "WEBP", lossless=True, exact=True)
        yield f"WebP {image.mode}, lossy", saved(image, "WEBP", quality=95, exact=True)
        yield f"AVIF {image.mode}", saved(image, "AVIF", quality=100, subsampling="4:4:4")
        yield f"AVIF {image.mode}, 4:2:0", saved(image, "AVIF", quality=95, subsampling="4:2:0")
    yield "AVIF grey", saved(PHOTO.convert("L"), "AVIF", quality=95, subsampling="4:0:0")
    yield (
        "WebP animated",
        saved(PHOTO, "WEBP", save_all=True, append_images=[SEE_THROUGH], lossless=True),
    )


READ = dict((*jpegs(), *pngs(), *others()))
SLACK = {"JPEG": 2, "AVIF": 2}  # levels: other arithmetic
SHARED_COLOURS = 16  # which libheif gives to all pixels alike, and libavif lets run into each other


def read(data: bytes) -> np.ndarray:
    """(h, w, 4)."""
    picture = decode(opened(data), MAX_INPUT_PIXELS)
    alpha = np.full(SIZE, 255, np.uint8) if picture.alpha is None else picture.alpha
    return np.dstack((picture.rgb, alpha)).astype(int)


def by_libvips(data: bytes) -> np.ndarray:
    image = pyvips.Image.new_from_buffer(data, "")
    samples = image.numpy().reshape(image.height, image.width, -1)
    if samples.dtype == np.uint16:
        samples = samples >> 8
    if samples.shape[2] < 3:  # grey, with or without alpha
        samples = np.dstack([samples[..., :1]] * 3 + [samples[..., 1:]])
    opaque = np.full((*samples.shape[:2], 4 - samples.shape[2]), 255)
    return np.concatenate((samples, opaque), axis=2).astype(int)


@pytest.mark.parametrize("name", READ)
def test_libvips_sees_the_same_picture(name):
    ours, theirs = read(READ[name]), by_libvips(READ[name])

    wrong = np.abs(ours - theirs)
    shown = theirs[..., 3] > 0  # colours under alpha 0 are nobody's
    slack = SHARED_COLOURS if "4:2:0" in name else SLACK.get(name.split()[0], 0)
    assert max(wrong[..., 3].max(), wrong[shown].max()) <= slack


def bmp(
    samples: np.ndarray, bits: int, *, compression: int = 0, top_down: bool = False, masks=()
) -> bytes:
    """`samples` are pixels (h, w) of `bits` bits, or the bytes of a run-length coding."""
    height, width = SIZE
    if compression in (1, 2):
        body = samples.tobytes()
    else:
        body = b"".join(row_of(row, bits) for row in (samples if top_down else samples[::-1]))
    palette = GREYS[bits].tobytes() if bits <= 8 else b""
    extra = struct.pack(f"<{len(masks)}I", *masks) + palette
    head = struct.pack(
        "<IiiHHIIiiII", 40, width, -height if top_down else height, 1, bits, compression, len(body),
        2835, 2835, 0, 0,
    )  # fmt: skip
    start = 14 + len(head) + len(extra)
    return struct.pack("<2sIHHI", b"BM", start + len(body), 0, 0, start) + head + extra + body


def row_of(row: np.ndarray, bits: int) -> bytes:
    if bits < 8:
        places = (row[:, None] >> np.arange(bits - 1, -1, -1)) & 1
        packed = np.packbits(places.ravel().astype(np.uint8)).tobytes()
    else:
        packed = b"".join(int(value).to_bytes(bits // 8, "little") for value in row)
    return packed + bytes(-len(packed) % 4)


GREYS = {
    bits: np.repeat(np.linspace(0, 255, 2**bits).astype(np.uint8)[:, None], 4, 1)
    * np.array((1, 1, 1, 0), np.uint8)
    for bits in (1, 4, 8)
}


@pytest.mark.parametrize("top_down", [False, True])
@pytest.mark.parametrize("bits", [1, 4, 8, 24, 32])
def test_bmp_of_every_depth_is_the_right_picture(bits, top_down):
    samples = np.random.default_rng(bits).integers(0, 2 ** min(bits, 24), SIZE)

    found = read(bmp(samples, bits, top_down=top_down))[..., :3]

    if bits <= 8:
        right = GREYS[bits][samples][..., :3]
    else:
        right = np.stack([(samples >> shift) & 255 for shift in (16, 8, 0)], -1)
    assert np.array_equal(found, right)


def test_bmp_of_runs_is_the_right_picture():
    rows, column = [], np.arange(SIZE[0]) * 8
    for level in column[::-1]:
        rows += [SIZE[1], int(level), 0, 0]

    found = read(bmp(np.uint8([*rows, 0, 1]), 8, compression=1))

    assert np.array_equal(found[..., 0], np.repeat(column[:, None], SIZE[1], 1))


@pytest.mark.parametrize(
    ("masks", "bits"), [((0xF800, 0x7E0, 0x1F), 16), ((0xFF0000, 0xFF00, 0xFF), 32)]
)
def test_bmp_with_masks_is_the_right_picture(masks, bits):
    levels = waves(3).astype(int)
    wide = [mask.bit_count() for mask in masks]
    shifts = [(mask & -mask).bit_length() - 1 for mask in masks]
    samples = sum((levels[..., place] >> (8 - wide[place])) << shifts[place] for place in range(3))

    found = read(bmp(samples, bits, compression=3, masks=masks))[..., :3]

    assert np.abs(found - levels).max() <= 8  # what 5 bits leave out


def test_cmyk_jpeg_is_plain_ink_on_white():
    inks = waves(4)
    data = saved(Image.fromarray(inks, "CMYK"), "JPEG", quality=100, subsampling=0)

    right = (255.0 - inks[..., :3]) * (255.0 - inks[..., 3:]) / 255
    assert np.abs(read(data)[..., :3] - right).max() <= 6


def deep_jpeg() -> bytes:
    data = bytearray(READ["JPEG 444"])
    data[data.index(b"\xff\xc0") + 4] = 12
    return bytes(data)


def lossless_jpeg() -> bytes:
    return READ["JPEG 444"].replace(b"\xff\xc0", b"\xff\xc3", 1)


REFUSED = {
    "JPEG of 12 bits": (deep_jpeg(), "12 bits per sample"),
    "PNG of an unknown compression": (
        png(3, 2, raw=bytes(20)).replace(
            png_chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0)),
            png_chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 2, 9, 0, 0)),
        ),
        "method",
    ),
    "JPEG XL": (b"\xff\x0a" + bytes(99), "not an image of a supported format"),
    "JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(99), "not an image of a supported format"),
    "PSD": (b"8BPS\0\1" + bytes(99), "not an image of a supported format"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image of a supported format"),
    "PDF": (b"%PDF-1.7\n" + bytes(99), "not an image of a supported format"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_is_refused_for_its_own_reason(name):
    data, words = REFUSED[name]

    with pytest.raises(UnreadableImage, match=words):
        read(data)
