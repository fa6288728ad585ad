"""From a finished canvas to bytes: one table of output formats.

Every format carries sRGB (a chunk in PNG, an ICC profile elsewhere) and, where it has a place for
it, the input's resolution. No other metadata is written.
"""

import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
import simplejpeg

from ..arrays import Pixels
from ..canvas import Canvas
from ..colour import srgb_profile
from ..options import Options
from . import delta_png, png, webp

# Halved chroma is what encoders do by default; from 90 on a caller asks for fidelity.
_FULL_CHROMA_FROM = 90
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # a fixed date: equal pictures make equal files


@dataclass(frozen=True, slots=True)
class Format:
    """A row of the table."""

    media_type: str
    extension: str
    encode: Callable[[Canvas, Options], bytes]


def encode(canvas: Canvas, options: Options) -> tuple[bytes, str]:
    """The canvas in `options.resolved_format`: (bytes, media type).

    `jpeg` takes the colours as they are, so the canvas must have been flattened. What the canvas
    holds under alpha 0 is never written: there is black, in WebP also the colour beside it.
    """
    row = FORMATS[options.resolved_format]
    return row.encode(canvas, options), row.media_type


def _png(canvas: Canvas, options: Options) -> bytes:
    if canvas.alpha is None:
        return png.encode(canvas.rgb, resolution=canvas.resolution)
    rgb, alpha = canvas.rgb, canvas.alpha

    def read(start: int, stop: int) -> Pixels:
        return _clean_rgba(rgb[start:stop], alpha[start:stop])

    return png.encode_rows(read, canvas.size, 4, resolution=canvas.resolution)


def _clean_rgba(rgb: Pixels, alpha: Pixels) -> Pixels:
    rgba = png.interleave(rgb, alpha)
    rgba.view("<u4")[..., 0][alpha == 0] = 0
    return rgba


def _delta_png(canvas: Canvas, options: Options) -> bytes:
    return delta_png.encode(canvas.rgb, _coverage(canvas), resolution=canvas.resolution)


def _mask(canvas: Canvas, options: Options) -> bytes:
    return png.encode(_coverage(canvas), resolution=canvas.resolution)


def _coverage(canvas: Canvas) -> Pixels:
    if canvas.alpha is not None:
        return canvas.alpha
    return np.full(canvas.rgb.shape[:2], 255, np.uint8)


def _jpeg(canvas: Canvas, options: Options) -> bytes:
    return encode_jpeg(canvas.rgb, options.jpeg_quality, canvas.resolution)


def encode_jpeg(rgb: Pixels, quality: int, resolution: tuple[float, float] | None = None) -> bytes:
    """JPEG of uint8 (h, w, 3) sRGB at quality 1..100; 4:2:0 below quality 90, else 4:4:4."""
    data = simplejpeg.encode_jpeg(
        np.ascontiguousarray(rgb),
        quality=quality,
        colorspace="RGB",
        colorsubsampling="444" if quality >= _FULL_CHROMA_FROM else "420",
    )
    return _with_profile(data, resolution)


def _with_profile(jpeg: bytes, resolution: tuple[float, float] | None) -> bytes:
    """Replace the encoder's JFIF header by one with the resolution, then the ICC profile."""
    (jfif_length,) = struct.unpack_from(">H", jpeg, 4)
    unit, x, y = 0, 1, 1  # aspect ratio only
    if resolution is not None:
        unit, (x, y) = 1, (min(max(round(dpi), 1), 65535) for dpi in resolution)
    jfif = b"JFIF\0" + struct.pack(">BBBHHBB", 1, 1, unit, x, y, 0, 0)
    profile = b"ICC_PROFILE\0\x01\x01" + srgb_profile()
    return b"".join((
        jpeg[:2],
        _segment(0xE0, jfif),
        _segment(0xE2, profile),
        memoryview(jpeg)[4 + jfif_length :],
    ))  # fmt: skip


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _webp(canvas: Canvas, options: Options) -> bytes:
    return webp.encode(canvas.rgb, canvas.alpha, options.jpeg_quality, srgb_profile())


def _zip(canvas: Canvas, options: Options) -> bytes:
    alpha = _coverage(canvas)
    colour = cast(Pixels, cv2.bitwise_and(canvas.rgb, canvas.rgb, mask=alpha))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in (
            ("color.jpg", encode_jpeg(colour, options.jpeg_quality, canvas.resolution)),
            ("alpha.png", png.encode(alpha, resolution=canvas.resolution)),
        ):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), content)
    return buffer.getvalue()


FORMATS: dict[str, Format] = {
    "png": Format("image/png", "png", _png),
    "jpeg": Format("image/jpeg", "jpg", _jpeg),
    "webp": Format("image/webp", "webp", _webp),
    "mask": Format("image/png", "png", _mask),
    "delta_png": Format("image/png", "png", _delta_png),
    "zip": Format("application/zip", "zip", _zip),
}


def extension_of(options: Options) -> str:
    """The file name extension, without a dot, that belongs to `options.resolved_format`."""
    return FORMATS[options.resolved_format].extension
