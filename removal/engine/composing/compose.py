"""Puts the cut-out onto its canvas: crop, scale, margins, background."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes
from ..canvas import Canvas
from ..geometry import Box, Layout
from ..options import Options
from ..tiles import SMALLEST, Tile, for_each, tiles_of
from . import shadow

Words = NDArray[np.uint16]

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
    backdrop: Bytes | None = None,
    cast: shadow.Cast | None = None,
) -> Canvas:
    """The canvas that is encoded.

    rgb: uint8 (h, w, 3) straight colours, which may be written over; alpha: uint8 (h, w), too;
    backdrop: uint8 (h, w, 3) of any size, made to cover the canvas; cast: a shadow, laid under the
    subject. The canvas has an alpha plane for transparent results, none for opaque ones. For `mask`
    its rgb is unused.
    """
    content, drawn = layout.content, layout.drawn
    window = np.s_[
        content.top : content.top + content.height, content.left : content.left + content.width
    ]
    rgb, alpha = rgb[window], alpha[window]
    if (drawn.width, drawn.height) != (content.width, content.height):
        rgb, alpha = resize_straight(rgb, alpha, (drawn.width, drawn.height))
    rgb, alpha = _placed(rgb, layout), _placed(alpha, layout)
    if cast is not None:
        shadow.lay_under(rgb, alpha, cast, layout)
    if not takes_background(options):
        return Canvas(rgb, alpha, resolution)
    ground: tuple[int, int, int] | Bytes | None
    if backdrop is not None:
        ground = cover(backdrop, layout.canvas_size)
    elif options.background is not None and options.background_alpha < 255:
        rgb, alpha = lay_over(rgb, alpha, options.background, options.background_alpha)
        ground = WHITE if options.resolved_format == "jpeg" else None
    else:
        ground = _background(options)
    if ground is None:
        return Canvas(rgb, alpha, resolution)
    _flatten(rgb, alpha, ground)
    return Canvas(rgb, None, resolution)


def takes_background(options: Options) -> bool:
    """Whether the format shows a background at all."""
    return options.resolved_format in ("png", "jpeg", "webp")


def takes_shadow(options: Options) -> bool:
    """Whether a shadow is asked for, of a format that shows one."""
    shows = options.resolved_format not in ("mask", "delta_png")
    return shows and options.shadow != "none" and options.shadow_opacity != 0


def cover(picture: Bytes, size: tuple[int, int]) -> Bytes:
    """The middle of a uint8 (h, w, 3) picture, scaled to fill `size` (width, height) exactly."""
    height, width = picture.shape[:2]
    scale = max(size[0] / width, size[1] / height)
    part_w = min(max(round(size[0] / scale), 1), width)
    part_h = min(max(round(size[1] / scale), 1), height)
    top, left = (height - part_h) // 2, (width - part_w) // 2
    part = picture[top : top + part_h, left : left + part_w]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, size, interpolation=method), np.uint8)


def lay_over(
    rgb: Bytes, alpha: Bytes, background: tuple[int, int, int], opacity: int
) -> tuple[Bytes, Bytes]:
    """Straight colours and alpha over a plain background of alpha `opacity` (0..255), after
    Porter and Duff's "over"."""
    out, out_alpha = np.empty(rgb.shape, np.uint8), np.empty(alpha.shape, np.uint8)
    under = np.array(background, np.uint32) * np.uint32(opacity)
    for band in _bands(rgb.shape[0]):
        a = alpha[band].astype(np.uint32)
        total = a * 255 + (255 - a) * opacity  # alpha x 255
        mixed = rgb[band] * (a * 255)[..., None] + under * (255 - a)[..., None]
        divisor = np.maximum(total, 1)[..., None]
        out[band] = (mixed + divisor // 2) // divisor
        out_alpha[band] = (total + 127) // 255
    return out, out_alpha


def resize_straight(rgb: Bytes, alpha: Bytes, size: tuple[int, int]) -> tuple[Bytes, Bytes]:
    """Scale straight colours and alpha to `size` (width, height) by way of premultiplied colour,
    so that colours under low alpha do not bleed into the edge."""
    shrinks = size[0] * size[1] < alpha.size
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    weight = alpha.astype(np.uint16)
    # colour x alpha is at most 255 x 255 and fits 16 bits: nothing is rounded before the scaling,
    # but for one bit that is kept free where cubic curves swing beyond the largest value
    spare = 0 if shrinks else 1
    total = _resized(weight * np.uint16(255), spare, size, method)
    out_rgb = np.empty((size[1], size[0], 3), np.uint8)
    for channel in range(3):  # one at a time: a third of the memory
        premultiplied = _resized(rgb[..., channel] * weight, spare, size, method)
        for band in _bands(size[1]):
            colour = premultiplied[band] * np.float32(255)
            colour /= np.maximum(total[band], 1)
            out_rgb[band, :, channel] = np.minimum(colour + np.float32(0.5), 255)
    out_alpha = np.empty((size[1], size[0]), np.uint8)
    for band in _bands(size[1]):
        full = np.minimum(total[band], 65_025 >> spare).astype(np.uint32) << spare
        out_alpha[band] = (full + 127) // 255
    return out_rgb, out_alpha


def _resized(values: Words, spare: int, size: tuple[int, int], method: int) -> Words:
    """`values`, without their lowest `spare` bits (in place), scaled."""
    values >>= np.uint16(spare)
    return np.asarray(cv2.resize(values, size, interpolation=method), np.uint16)


def flatten(rgb: Bytes, alpha: Bytes, background: tuple[int, int, int] | Bytes) -> Bytes:
    """Straight colours over an opaque colour or picture, uint8 (h, w, 3)."""
    flat = rgb.copy()
    _flatten(flat, alpha, background)
    return flat


def _flatten(rgb: Bytes, alpha: Bytes, background: tuple[int, int, int] | Bytes) -> None:
    """The same in place."""
    ground = np.broadcast_to(np.asarray(background, np.uint8), rgb.shape)

    def lay(tile: Tile) -> None:
        for window in (part.window for part in tile.cut(SMALLEST)):
            least, most, _, _ = cv2.minMaxLoc(alpha[window])
            if most == 0:
                rgb[window] = ground[window]
            elif least < 255:
                a = cv2.merge((alpha[window],) * 3).astype(np.uint16)  # quicker than to broadcast
                mixed = rgb[window] * a
                mixed += ground[window] * (255 - a)
                mixed += 127
                np.floor_divide(mixed, 255, out=mixed)
                rgb[window] = mixed

    for_each(tiles_of((alpha.shape[0], alpha.shape[1])), lay)


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
