"""Colour spaces: whatever profile a picture carries, its pixels become sRGB."""

import io
import struct
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from . import icc, threads
from .arrays import Pixels

_SPACES = {"L": b"GRAY", "RGB": b"RGB ", "CMYK": b"CMYK", "LAB": b"Lab "}
_SIGNED = np.array((0, 128, 128), np.uint8)  # by this Pillow's a and b differ from ours
_STRIP_PIXELS = 1 << 20  # converted at a time, which bounds the memory
_CREATED = slice(24, 36)  # the date in an ICC header, ICC.1:2022 7.2.8
_EPOCH = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
_GRID = np.linspace(0, 255, 9, dtype=np.uint8)


# Of ITU-T H.273, which AVIF, HEIC and PNG use where they carry no profile: primaries and white as
# (x, y) by their code, and transfers that are sRGB's curve or near it. For those of HDR see `hdr`.
PRIMARIES = {
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),  # BT.2020
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # Display P3
}
_D65 = (0.3127, 0.3290)
_TRANSFERS = {1, 2, 6, 13, 14, 15}
_D50 = np.array((0.9642, 1.0, 0.8249))
_BRADFORD = np.array(
    ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
)


@cache
def coded_profile(primaries: int, transfer: int) -> bytes | None:
    """An ICC profile of a colour space that a file names by H.273's codes; None where that is sRGB
    as far as we can tell."""
    if primaries not in PRIMARIES or transfer not in _TRANSFERS:
        return None
    profile = bytearray(srgb_profile())
    columns = _colorants(PRIMARIES[primaries]).T
    for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True):
        (at,) = struct.unpack_from(">I", profile, profile.index(name) + 4)
        struct.pack_into(">3i", profile, at + 8, *(round(part * 65536) for part in column))
    return bytes(profile)


def _colorants(primaries: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """XYZ of red, green and blue at full strength as columns, adapted to D50 after Bradford
    (ICC.1:2022, annex E)."""
    cones = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ _xyz(_D65)))
    adapted = np.linalg.inv(_BRADFORD) @ cones @ _BRADFORD
    return np.asarray(adapted @ xyz_of(primaries), np.float64)


def xyz_of(primaries: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """XYZ of red, green and blue at full strength as columns; together they are D65's white."""
    matrix = np.stack([_xyz(point) for point in primaries], axis=1)
    return np.asarray(matrix * np.linalg.solve(matrix, _xyz(_D65)), np.float64)


def _xyz(point: tuple[float, float]) -> NDArray[np.float64]:
    x, y = point
    return np.array((x / y, 1.0, (1 - x - y) / y))


@cache
def srgb_profile() -> bytes:
    """An ICC profile of sRGB, the same bytes each time."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_CREATED] = _EPOCH
    return bytes(profile)


def to_srgb(pixels: Pixels, mode: str, profile: bytes | None) -> Pixels:
    """`pixels` in sRGB, uint8 (h, w, 3).

    `pixels` are uint8 (h, w) for mode L, (h, w, 3) for RGB and LAB (a and b from 0 on, 128 is
    grey), (h, w, 4) for CMYK; `profile` is the picture's ICC profile. One that is broken or of
    another space than the pixels is ignored, as viewers do; without one, L and RGB are taken as
    sRGB and CMYK as plain amounts of ink.
    """
    transform = _transform(mode, profile)
    if transform is None and mode == "RGB":
        return pixels
    height, width = pixels.shape[:2]
    rgb = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIP_PIXELS // width)

    def convert(start: int) -> None:
        part = pixels[start : start + rows]
        strip = Image.fromarray(part ^ _SIGNED if mode == "LAB" else part, mode)
        done = strip.convert("RGB") if transform is None else transform.apply(strip)
        rgb[start : start + rows] = np.asarray(done)

    with ThreadPoolExecutor(threads.count()) as pool:  # a transform may be shared: it has no state
        list(pool.map(convert, range(0, height, rows)))
    return rgb


def _transform(mode: str, profile: bytes | None) -> ImageCms.ImageCmsTransform | None:
    """The conversion to sRGB, or None where the pixels can be taken as they are."""
    if mode == "LAB":
        return _build(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), mode)
    if profile is None or profile[16:20] != _SPACES[mode]:
        return None
    safe = icc.rebuilt(profile)
    if safe is None:
        return None
    try:
        transform = _build(ImageCms.ImageCmsProfile(io.BytesIO(safe)), mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return None if mode == "RGB" and _changes_nothing(transform) else transform


def _build(source: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return ImageCms.ImageCmsTransform(source, target, mode, "RGB")


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether the profile is sRGB: most are, and then the conversion is skipped."""
    grid = np.stack(np.meshgrid(_GRID, _GRID, _GRID), axis=-1).reshape(-1, 1, 3)
    converted = np.asarray(transform.apply(Image.fromarray(grid)))
    return int(np.abs(converted.astype(np.int16) - grid).max()) <= 1
