"""All steps from a picture's bytes to the cut-out's bytes."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from . import geometry
from . import hints as hinted
from .arrays import Bytes, Floats
from .composing import compose, natural_shadow, shadow, watermark
from .errors import DeltaWouldShrink, TooManyPixels, UnreadableBackground, UnreadableImage
from .geometry import Box
from .hints import Hints, Marked
from .matting import foreground, letterbox, predict, refine, scribbles, transparency
from .matting.foreground import Hidden
from .networks import session
from .options import MAX_PIXELS, MAX_RESULT_PIXELS, Options, Shadow
from .reading import decode, labels
from .reading.decode import Header, Photo, Picture
from .writing import encode

Checkpoint = Callable[[str], None]
STAGES = ("decode", "mask", "refine", "foreground", "compose", "encode")


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a result. Sizes are (width, height), all after the EXIF orientation.

    `input_foreground` is in coordinates of the full-size upright input, `result_foreground` in
    those of the result; both are Box() where nothing was found. `shadow` is the one that the result
    has: "none" also where `natural` was asked for and the background is not even.
    """

    input_format: str
    input_orientation: int
    input_size: tuple[int, int]
    result_size: tuple[int, int]
    input_foreground: Box
    result_foreground: Box
    shadow: Shadow = "none"


@dataclass(frozen=True, slots=True)
class Result:
    content: bytes
    media_type: str
    facts: Facts


def remove_background(
    data: bytes,
    options: Options = Options(),  # noqa: B008 (immutable)
    *,
    background: bytes | None = None,
    max_result_pixels: int = MAX_RESULT_PIXELS,
    checkpoint: Checkpoint | None = None,
) -> Result:
    """Cut the foreground out of a picture.

    data: a JPEG, PNG, GIF, BMP, TIFF, WebP, HEIC or AVIF file of at most 32 megapixels.
    background: a picture in one of these formats that is to cover the canvas.
    max_result_pixels: the largest canvas; what would be larger raises ResultTooLarge.
    checkpoint: called with each stage's name before it begins; what it raises ends the work.

    Raises UnreadableImage, TooManyPixels, InvalidOption, DeltaWouldShrink, ResultTooLarge,
    UnreadableBackground, ModelUnavailable, and whatever the checkpoint raises.
    """
    begin = checkpoint or (lambda stage: None)
    photo = decode.opened(data)
    header = photo.header
    options = replace(options, has_background_picture=background is not None)
    behind = _checked(header, options, background, max_result_pixels)
    begin("decode")
    marked = _marked(header, options.hints)  # the labels' frame is free again before the photo's
    picture = decode.decode(photo, options.max_pixels)
    del photo  # a copy of what of the file is needed
    begin("mask")
    networks = session.networks(options.model)
    hidden = hidden_of(picture)
    seen = picture.rgb if hidden is None else hidden.seen
    frame, window = letterbox.for_network(seen, networks.main.recipe)
    matte = predict.predict(frame, networks)[window]
    frame = frame[window]
    begin("refine")
    if hidden is None:
        share = refine.upsample_alpha(seen, matte, frame)
    else:
        share = _share(hidden, matte, frame)
    alpha = share if hidden is None else transparency.within(hidden.alpha, share)
    # Before hints and region: what a caller may choose must not move the mark.
    mark = watermark.plan(alpha) if options.watermark else None
    if marked is not None:
        share = mended(seen, share, marked)
        alpha = share if hidden is None else transparency.within(hidden.alpha, share)
        mark = None if mark is None else watermark.extended(mark, alpha)
    photographed = _photographed(picture, alpha, options)
    _keep_region(alpha, header, options)
    box = compose.foreground_box(alpha)
    if not box:
        alpha[:] = 0  # a haze below the threshold is not a subject
    cast = _cast(photographed, alpha, box, header, options)
    begin("foreground")
    if options.resolved_format != "mask":
        foreground.foreground_colour(picture.rgb, share, frame, hidden)
    del seen, hidden  # a frame of the picture's size
    begin("compose")
    layout = geometry.layout((alpha.shape[1], alpha.shape[0]), box, options, max_result_pixels)
    backdrop = _backdrop(behind, options)
    canvas = compose.compose(
        picture.rgb, alpha, layout, options, picture.resolution, backdrop, cast
    )
    if mark is not None:
        watermark.apply(canvas, mark, layout)
    begin("encode")
    content, media_type = encode.encode(canvas, options)
    return Result(
        content,
        media_type,
        _facts(header, alpha, box, layout, "none" if cast is None else options.shadow),
    )


def check(
    header: Header,
    options: Options,
    *,
    background: bytes | None = None,
    max_result_pixels: int = MAX_RESULT_PIXELS,
) -> None:
    """Refuse what the headers alone show to be impossible, before any work."""
    _checked(header, options, background, max_result_pixels)


def _checked(
    header: Header, options: Options, background: bytes | None, max_result_pixels: int
) -> Photo | None:
    """Refuses as `check` does. Returns the opened background picture."""
    pixels = header.size[0] * header.size[1]
    if options.output_format == "delta_png" and pixels > options.max_pixels:
        raise DeltaWouldShrink(pixels, options.max_pixels)
    size = geometry.limited_size(*header.size, options.max_pixels)
    geometry.check_before_work(size, options, max_result_pixels)
    if options.region is not None:
        geometry.region_box(header.size, options.region)
    if options.hints:
        hinted.check(options.hints, header.size)
        if options.hints.labels is not None:
            labels.opened(options.hints.labels, header.size)
    if background is None:
        return None
    try:
        return decode.opened(background)
    except (UnreadableImage, TooManyPixels) as error:
        raise UnreadableBackground(f"The background: {error.message}") from error


def _marked(header: Header, hints: Hints | None) -> Marked | None:
    """The masks of what the caller's hints keep and remove, on a small grid."""
    if not hints:
        return None
    if hints.labels is not None:
        return labels.read(labels.opened(hints.labels, header.size))
    return hinted.drawn(hints, header.size)


def mended(seen: Bytes, share: Bytes, marked: Marked) -> Bytes:
    """The share of subject, uint8 (h, w), after a person's hints."""
    keep, remove = hinted.fitted(marked, (share.shape[1], share.shape[0]))
    result = scribbles.mend(seen, share.astype(np.float32) / np.float32(255), keep, remove)
    return np.asarray(cv2.convertScaleAbs(result, alpha=255), np.uint8)


def _backdrop(background: Photo | None, options: Options) -> Bytes | None:
    """The background picture, uint8 (h, w, 3), over white where it is transparent."""
    if background is None or not compose.takes_background(options):
        return None
    try:
        picture = decode.decode(background, MAX_PIXELS)
    except UnreadableImage as error:
        raise UnreadableBackground(f"The background: {error.message}") from error
    if picture.alpha is None:
        return picture.rgb
    return compose.flatten(picture.rgb, picture.alpha, compose.WHITE)


def _photographed(picture: Picture, alpha: Bytes, options: Options) -> shadow.Cast | None:
    """The photo's own shadow, where it is asked for and can be told. Of a file with transparency
    it can not: there is no background to tell it from."""
    if options.shadow != "natural" or not compose.takes_shadow(options):
        return None
    return natural_shadow.natural(picture.rgb, alpha) if picture.alpha is None else None


def _cast(
    photographed: shadow.Cast | None, alpha: Bytes, box: Box, header: Header, options: Options
) -> shadow.Cast | None:
    """The shadow that is asked for, of what is left in the region, in the strength asked for."""
    if not box or not compose.takes_shadow(options):
        return None
    if options.shadow != "natural":
        cast = shadow.made(options.shadow, alpha, box)
    elif photographed is None:
        return None
    else:
        region = _region(alpha, header, options)
        cast = photographed if region is None else shadow.within(photographed, region)
    opacity = options.shadow_opacity
    return cast.at(shadow.OPACITY[options.shadow] if opacity is None else opacity)


def _region(alpha: Bytes, header: Header, options: Options) -> Box | None:
    """The region in the matte's pixels."""
    if options.region is None:
        return None
    height, width = alpha.shape
    return geometry.map_box(
        geometry.region_box(header.size, options.region),
        Box(0, 0, *header.size), Box(0, 0, width, height), (width, height),
    )  # fmt: skip


def _keep_region(alpha: Bytes, header: Header, options: Options) -> None:
    """Make everything outside the region background, in place."""
    box = _region(alpha, header, options)
    if box is None:
        return
    alpha[: box.top] = alpha[box.top + box.height :] = 0
    alpha[:, : box.left] = alpha[:, box.left + box.width :] = 0


def hidden_of(picture: Picture) -> Hidden | None:
    """What the file's transparency hides and shows; None where the picture is opaque. The ground
    is plain and stands out from what is visible, whatever colours the file has under it."""
    if picture.alpha is None:
        return None
    mean = np.array(cv2.mean(picture.rgb, (picture.alpha > 127).view(np.uint8))[:3])
    ground = max((0, 128, 255), key=lambda level: float(np.abs(mean - level).sum()))
    seen = compose.flatten(picture.rgb, picture.alpha, (ground, ground, ground))
    return Hidden(picture.alpha, seen, ground)


def _share(hidden: Hidden, matte: Floats, frame: Bytes) -> Bytes:
    """How much of what is visible is subject, uint8 (h, w)."""
    share = transparency.share(matte, hidden.alpha)
    if share is None:
        return np.full(hidden.alpha.shape, 255, np.uint8)
    return refine.upsample_alpha(hidden.seen, share, frame)


def _facts(
    header: Header, alpha: Bytes, found: Box, layout: geometry.Layout, cast: Shadow
) -> Facts:
    height, width = alpha.shape
    return Facts(
        input_format=header.format,
        input_orientation=header.orientation,
        input_size=header.size,
        result_size=layout.canvas_size,
        input_foreground=geometry.map_box(
            found, Box(0, 0, width, height), Box(0, 0, *header.size), header.size
        ),
        result_foreground=geometry.map_box(found, layout.content, layout.drawn, layout.canvas_size),
        shadow=cast,
    )
