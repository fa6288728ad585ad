"""Puts the cut-out onto its canvas: crop, scale, margins, background."""

import cv2
import numpy as np

from .canvas import Canvas
from .geometry import Box, Layout
from .options import Options
from .tiles import Bytes

FOREGROUND_ALPHA = 13  # the smallest alpha that counts as foreground, for crop and headers alike
WHITE = (255, 255, 255)
BAND = 512  # rows that are converted at a time: bounds the temporaries


def foreground_box(alpha: Bytes) -> Box:
    """The smallest box around all foreground of a uint8 (h, w) matte; Box() where there is none."""
    left, top, width, height = cv2.boundingRect((alpha >= FOREGROUND_ALPHA).view(np.uint8))
    return Box(top, left, width, height)


def compose(
    rgb: Bytes,
    alpha: Bytes,
    layout: Layout,
    options: Options,
    resolution: tuple[float, float] | None,
) -> Canvas:
    """The canvas that is encoded.

    rgb: uint8 (h, w, 3) straight colours; alpha: uint8 (h, w). The canvas has an alpha plane for
    transparent results, none for opaque ones. For `mask` its rgb is unused.
    """
    content, drawn = layout.content, layout.drawn
    window = np.s_[
        content.top : content.top + content.height, content.left : content.left + content.width
    ]
    rgb, alpha = rgb[window], alpha[window]
    if (drawn.width, drawn.height) != (content.width, content.height):
        rgb, alpha = resize_straight(rgb, alpha, (drawn.width, drawn.height))
    rgb, alpha = _placed(rgb, layout), _placed(alpha, layout)
    background = _background(options)
    if background is None:
        return Canvas(rgb, alpha, resolution)
    return Canvas(flatten(rgb, alpha, background), None, resolution)


def resize_straight(rgb: Bytes, alpha: Bytes, size: tuple[int, int]) -> tuple[Bytes, Bytes]:
    """Scale straight colours and alpha to `size` (width, height) by way of premultiplied colour,
    so that colours under low alpha do not bleed into the edge."""
    shrinks = size[0] * size[1] < alpha.size
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    weight = alpha.astype(np.uint16)
    # colour x alpha is at most 255 x 255 and fits 16 bits: nothing is rounded before the scaling
    premultiplied = cv2.resize(rgb * weight[..., None], size, interpolation=method)
    weight = np.asarray(cv2.resize(weight * np.uint16(255), size, interpolation=method), np.uint16)
    out_rgb = np.empty((size[1], size[0], 3), np.uint8)
    for band in _bands(size[1]):
        divisor = np.maximum(weight[band], 1)[..., None].astype(np.float32)
        colour = premultiplied[band] * np.float32(255) / divisor
        out_rgb[band] = np.minimum(colour + 0.5, 255)
    out_alpha = ((weight.astype(np.uint32) + 127) // 255).astype(np.uint8)
    return out_rgb, out_alpha


def flatten(rgb: Bytes, alpha: Bytes, background: tuple[int, int, int]) -> Bytes:
    """Straight colours over an opaque background, uint8 (h, w, 3)."""
    out = np.empty(rgb.shape, np.uint8)
    under = np.array(background, np.uint16)
    for band in _bands(rgb.shape[0]):
        a = alpha[band].astype(np.uint16)[..., None]
        mixed = rgb[band] * a + under * (255 - a) + 127
        out[band] = mixed // 255
    return out


def _background(options: Options) -> tuple[int, int, int] | None:
    match options.resolved_format:
        case "jpeg":
            return options.background or WHITE
        case "png" | "webp":
            return options.background
        case _:
            return None


def _placed(plane: Bytes, layout: Layout) -> Bytes:
    """The drawn content on a canvas of zeros."""
    width, height = layout.canvas_size
    drawn = layout.drawn
    if (drawn.top, drawn.left, drawn.width, drawn.height) == (0, 0, width, height):
        return np.ascontiguousarray(plane)
    canvas = np.zeros((height, width, *plane.shape[2:]), np.uint8)
    canvas[drawn.top : drawn.top + drawn.height, drawn.left : drawn.left + drawn.width] = plane
    return canvas


def _bands(height: int) -> list[slice]:
    return [slice(top, min(top + BAND, height)) for top in range(0, height, BAND)]
