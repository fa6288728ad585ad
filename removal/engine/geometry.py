"""Where everything lies: sizes and boxes of the contract's Geometry section, in whole pixels.

Pure integer arithmetic on exact fractions. The browser has a twin of this module; both are tested
against the same vectors.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from .errors import InvalidOption, RegionEmpty, RegionOutside, ResultTooLarge
from .options import MAX_RESULT_PIXELS, Length, Options, Region

MAX_ASPECT = 10_000  # of a result's longer side to its shorter one
MAX_RESULT_SIDE = {"jpeg": 65_500, "zip": 65_500, "webp": 16_383}  # what the formats can hold


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; all four are 0 where there is nothing."""

    top: int = 0
    left: int = 0
    width: int = 0
    height: int = 0

    def __bool__(self) -> bool:
        return self.width > 0 and self.height > 0


@dataclass(frozen=True, slots=True)
class Layout:
    """How the result is put together.

    `content` is the part of the picture that is shown, `drawn` where it lies on the canvas of
    `canvas_size` (width, height). Where the sizes of both boxes differ, the content is scaled.
    """

    canvas_size: tuple[int, int]
    content: Box
    drawn: Box


def limited_size(width: int, height: int, max_pixels: int) -> tuple[int, int]:
    """The size that (width, height) is shrunk to so that it has at most `max_pixels` pixels."""
    if width * height <= max_pixels:
        return width, height
    # floor(side * sqrt(m / (w*h))) = isqrt(side^2 * m / (w*h)), without rounding errors
    area = width * height
    w = max(1, math.isqrt(width * width * max_pixels // area))
    h = max(1, math.isqrt(height * height * max_pixels // area))
    if w >= h:
        return min(w, max_pixels // h), h
    return w, min(h, max_pixels // w)


def layout(
    picture_size: tuple[int, int],
    foreground: Box,
    options: Options,
    max_pixels: int = MAX_RESULT_PIXELS,
) -> Layout:
    """The result's geometry.

    Raises InvalidOption where the margins leave no room inside the target, ResultTooLarge where
    the canvas is over the limits, of its shape too.
    """
    width, height = picture_size
    whole = Box(0, 0, width, height)
    content = foreground if options.crop_to_foreground and foreground else whole
    if options.output_format == "delta_png":
        return Layout(picture_size, whole, whole)
    if options.target_size is not None:
        placed = _fitted(content, options)
    elif content is whole and foreground and (options.scale or options.position):
        placed = _positioned(picture_size, foreground, options)
    else:
        placed = _framed(content, options)
    _check_limits(placed.canvas_size, options, max_pixels)
    _check_aspect(placed.canvas_size, picture_size, (content.width, content.height))
    return placed


def check_before_work(
    picture_size: tuple[int, int], options: Options, max_pixels: int = MAX_RESULT_PIXELS
) -> None:
    """Refuse, from the header alone, what `layout` would refuse whatever the foreground is.

    A crop can only make an untargeted result smaller, so such a result is judged afterwards.
    """
    if options.target_size is not None or not options.crop_to_foreground:
        layout(picture_size, Box(), options, max_pixels)


def _framed(content: Box, options: Options) -> Layout:
    top, right, bottom, left = _margins(options, (content.width, content.height))
    size = content.width + left + right, content.height + top + bottom
    return Layout(size, content, Box(top, left, content.width, content.height))


def _fitted(content: Box, options: Options) -> Layout:
    assert options.target_size is not None
    width, height = options.target_size
    top, right, bottom, left = _margins(options, (width, height))
    inner_w, inner_h = width - left - right, height - top - bottom
    if inner_w < 1 or inner_h < 1:
        raise InvalidOption(
            "result.margin",
            f"{top}px {right}px {bottom}px {left}px",
            f"margins that leave at least 1 x 1 px of result.target_size {width} x {height}",
        )
    scale = min(Fraction(inner_w, content.width), Fraction(inner_h, content.height))
    drawn_w = min(max(_round_half_up(content.width * scale), 1), inner_w)
    drawn_h = min(max(_round_half_up(content.height * scale), 1), inner_h)
    spare = inner_h - drawn_h
    down = {"top": 0, "middle": spare // 2, "bottom": spare}[options.vertical_alignment]
    drawn = Box(top + down, left + (inner_w - drawn_w) // 2, drawn_w, drawn_h)
    return Layout((width, height), content, drawn)


def _positioned(size: tuple[int, int], foreground: Box, options: Options) -> Layout:
    """The foreground alone, enlarged or shrunk and moved on a canvas of the picture's size; a
    scale without a position is centred."""
    width, height = size
    scale = Fraction(1)
    if options.scale is not None:
        share = Fraction(options.scale) / 100
        scale = share * min(Fraction(width, foreground.width), Fraction(height, foreground.height))
    drawn_w = min(max(_round_half_up(foreground.width * scale), 1), width)
    drawn_h = min(max(_round_half_up(foreground.height * scale), 1), height)
    x, y = options.position or (Decimal(50), Decimal(50))
    left = _round_half_up((width - drawn_w) * Fraction(x) / 100)
    top = _round_half_up((height - drawn_h) * Fraction(y) / 100)
    return Layout(size, foreground, Box(top, left, drawn_w, drawn_h))


def region_box(size: tuple[int, int], region: Region) -> Box:
    """The region's pixels in a picture of `size` (width, height).

    Raises RegionOutside, RegionEmpty.
    """
    width, height = size
    left, right = _pixels(region.left, width), _pixels(region.right, width)
    top, bottom = _pixels(region.top, height), _pixels(region.bottom, height)
    shown = f"{left} {top} {right} {bottom}"
    if max(left, right) > width or max(top, bottom) > height:
        raise RegionOutside("roi", shown, f"corners within the picture of {width} x {height} px")
    if right <= left or bottom <= top:
        raise RegionEmpty("roi", shown, "x1 y1 x2 y2 with x1 < x2 and y1 < y2")
    return Box(top, left, right - left, bottom - top)


def _margins(options: Options, size: tuple[int, int]) -> tuple[int, int, int, int]:
    width = size[0]
    height = size[1] if options.margin_of_own_side else width
    margin = options.margin
    return (
        _pixels(margin.top, height),
        _pixels(margin.right, width),
        _pixels(margin.bottom, height),
        _pixels(margin.left, width),
    )


def _pixels(length: Length, reference: int) -> int:
    value = length.value * reference / Decimal(100) if length.percent else length.value
    return _round_half_up(Fraction(value))


def _round_half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def _check_limits(size: tuple[int, int], options: Options, max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise ResultTooLarge(size, f"{max_pixels:,} pixels in all")
    side = MAX_RESULT_SIDE.get(options.resolved_format)
    if side is not None and max(size) > side:
        raise ResultTooLarge(size, f"sides of up to {side:,} pixels for {options.resolved_format}")


def _check_aspect(canvas: tuple[int, int], *shown: tuple[int, int]) -> None:
    """Refuse a canvas that is thinner than any use asks for, unless what it shows is so too."""
    allowed = [Fraction(max(size), min(size)) for size in ((MAX_ASPECT, 1), *shown)]
    if Fraction(max(canvas), min(canvas)) > max(allowed):
        raise ResultTooLarge(canvas, f"a longer side of up to {MAX_ASPECT:,} times the shorter one")


def map_box(box: Box, origin: Box, onto: Box, bounds: tuple[int, int]) -> Box:
    """`box`, given relative to the same frame as `origin`, as `origin` is drawn at `onto`.

    Mapped outward (floor of top and left, ceiling of bottom and right), then cut to `bounds`
    (width, height). An empty box stays empty.
    """
    if not box:
        return Box()
    x, y = Fraction(onto.width, origin.width), Fraction(onto.height, origin.height)
    left = math.floor((box.left - origin.left) * x) + onto.left
    top = math.floor((box.top - origin.top) * y) + onto.top
    right = math.ceil((box.left + box.width - origin.left) * x) + onto.left
    bottom = math.ceil((box.top + box.height - origin.top) * y) + onto.top
    left, right = max(left, 0), min(right, bounds[0])
    top, bottom = max(top, 0), min(bottom, bounds[1])
    return Box(top, left, right - left, bottom - top)
