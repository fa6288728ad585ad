"""Colour spaces: whatever profile a picture carries, its pixels become sRGB."""

import io
import struct
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from . import threads

Pixels = NDArray[np.uint8]

_SPACES = {"L": b"GRAY", "RGB": b"RGB ", "CMYK": b"CMYK", "LAB": b"Lab "}
_STRIP_PIXELS = 1 << 20  # converted at a time, which bounds the memory
_CREATED = slice(24, 36)  # the date in an ICC header, ICC.1:2022 7.2.8
_EPOCH = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
_GRID = np.linspace(0, 255, 9, dtype=np.uint8)


@cache
def srgb_profile() -> bytes:
    """An ICC profile of sRGB, the same bytes each time."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_CREATED] = _EPOCH
    return bytes(profile)


def to_srgb(pixels: Pixels, mode: str, profile: bytes | None) -> Pixels:
    """`pixels` in sRGB, uint8 (h, w, 3).

    `pixels` are uint8 (h, w) for mode L, (h, w, 3) for RGB and LAB, (h, w, 4) for CMYK; `profile`
    is the picture's ICC profile. One that is broken or of another space than the pixels is ignored,
    as viewers do; without one, L and RGB are taken as sRGB and CMYK as plain amounts of ink.
    """
    transform = _transform(mode, profile)
    if transform is None and mode == "RGB":
        return pixels
    height, width = pixels.shape[:2]
    rgb = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIP_PIXELS // width)

    def convert(start: int) -> None:
        strip = Image.fromarray(pixels[start : start + rows], mode)
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
    try:
        transform = _build(ImageCms.ImageCmsProfile(io.BytesIO(profile)), mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return None if mode == "RGB" and _changes_nothing(transform) else transform


def _build(source: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return ImageCms.ImageCmsTransform(source, target, mode, "RGB")


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a profile is sRGB by another name: most are, and a frame's conversion is saved."""
    grid = np.stack(np.meshgrid(_GRID, _GRID, _GRID), axis=-1).reshape(-1, 1, 3)
    converted = np.asarray(transform.apply(Image.fromarray(grid)))
    return int(np.abs(converted.astype(np.int16) - grid).max()) <= 1
