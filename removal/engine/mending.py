"""Mends a finished cut-out by a person's scribbles, without running the networks again.

The page stores a picture and its cut-out. A small work copy of both answers each scribble at once;
the cut-out itself follows, with the very pixels that `remove_background` gives for the same hints.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from . import hints
from .arrays import Bytes
from .canvas import Canvas
from .composing import compose
from .errors import UnreadableImage
from .geometry import Box
from .hints import Scribble
from .matting import foreground, letterbox, transparency
from .matting.foreground import Hidden
from .networks import session
from .options import Options
from .pipeline import Facts, Result, hidden_of, mended
from .reading import decode
from .reading.decode import Header, Picture
from .writing import delta_png, encode, png

Step = Literal["prepare", "preview", "finish"]
Checkpoint = Callable[[str], None]

WORK_SIDE = 1024  # of a work copy: the longer side, in pixels


@dataclass(frozen=True, slots=True)
class Mending:
    """What is to be done with a cut-out.

    prepare: make its work copy. preview: its matte after the scribbles, from the work copy.
    finish: what of the cut-out changes. scribbles: all so far, in pixels of the cut-out, which has
    `size` (width, height). touched_up: whether a person has painted on the cut-out.
    """

    step: Step
    size: tuple[int, int]
    scribbles: tuple[Scribble, ...] = ()
    touched_up: bool = False

    @property
    def needs_network(self) -> bool:
        """For the size of its frame; none is run."""
        return self.step == "finish"


def mend_cutout(
    data: bytes,
    cutout: bytes,
    mending: Mending,
    options: Options,
    *,
    checkpoint: Checkpoint | None = None,
) -> Result:
    """Do one step; the result's content is a PNG.

    data: the picture's file; for `preview` the work copy. cutout: PNG or Delta PNG, by
    `options.output_format`; unused for `preview`. options: those that the cut-out was made with.

    prepare: RGBA, the photo's own colours everywhere, the subject's share as alpha. preview: the
    share as grey, of the work copy's size. finish: the smallest rectangle of the cut-out that holds
    all that changes, at least a pixel, as `options.output_format` writes it; its place is in the
    file's oFFs chunk.

    Raises InvalidOption where a scribble lies outside, and UnreadableImage where picture and
    cut-out do not belong together.
    """
    hints.check_scribbles(mending.scribbles, mending.size)
    begin = checkpoint or (lambda stage: None)
    begin("decode")
    if mending.step == "preview":
        return _preview(data, mending, begin)
    subject = _Subject.read(data, cutout, mending, options)
    if mending.step == "prepare":
        return _prepared(subject)
    return _finished(subject, mending, options, begin)


@dataclass(frozen=True, slots=True)
class _Subject:
    """A picture with its cut-out.

    seen: uint8 (h, w, 3), the picture as the networks see it. share: uint8 (h, w), how much of what
    is visible is subject. cutout: its straight colours and alpha; of a Delta PNG the colours under
    alpha 255 are not the picture's.
    """

    picture: Picture
    hidden: Hidden | None
    seen: Bytes
    share: Bytes
    cutout: Picture
    alpha: Bytes

    @classmethod
    def read(cls, data: bytes, cutout: bytes, mending: Mending, options: Options) -> "_Subject":
        picture = decode.decode(decode.opened(data), options.max_pixels)
        photo = decode.opened(cutout)
        height, width = picture.rgb.shape[:2]
        if not photo.header.size == mending.size == (width, height):
            raise UnreadableImage("The cut-out does not belong to the picture.")
        made = decode.decode(photo, photo.header.pixels)
        alpha = _alpha_of(made, options)
        hidden = hidden_of(picture)
        if hidden is None:
            return cls(picture, None, picture.rgb, alpha, made, alpha)
        return cls(picture, hidden, hidden.seen, _visible_share(alpha, hidden.alpha), made, alpha)


def _alpha_of(cutout: Picture, options: Options) -> Bytes:
    """The cut-out's alpha, uint8 (h, w)."""
    alpha = _share_of(cutout)
    if options.output_format != "delta_png":
        return alpha
    return delta_png.alpha_of(cutout.rgb, alpha)


def _visible_share(alpha: Bytes, own: Bytes) -> Bytes:
    """The share that gave this alpha within the picture's own; 0 where that shows nothing."""
    shown = np.maximum(own, 1).astype(np.uint16)
    share = (alpha * np.uint16(255) + shown // 2) // shown
    return np.asarray(np.minimum(share, 255), np.uint8)


def _prepared(subject: _Subject) -> Result:
    height, width = subject.share.shape
    scale = min(1.0, WORK_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    colours, share = (
        np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)
        for plane in (subject.seen, subject.share)
    )
    return _result(png.encode(png.interleave(colours, share)), subject.picture.header, size)


def _preview(work_copy: bytes, mending: Mending, begin: Checkpoint) -> Result:
    photo = decode.opened(work_copy)
    work = decode.decode(photo, WORK_SIDE * WORK_SIDE)
    share = _share_of(work)
    begin("refine")
    matte = _mended(work.rgb, share, mending)
    return _result(png.encode(matte), work.header, work.header.size)


def _finished(subject: _Subject, mending: Mending, options: Options, begin: Checkpoint) -> Result:
    begin("refine")
    share = _mended(subject.seen, subject.share, mending)
    hidden, rgb = subject.hidden, subject.picture.rgb
    alpha = share if hidden is None else transparency.within(hidden.alpha, share)
    if not compose.foreground_box(alpha):
        alpha[:] = 0  # as remove_background does with a haze
    begin("foreground")
    frame, window = letterbox.framed(subject.seen, session.networks(options.model).main.side)
    foreground.foreground_colour(rgb, share, frame[window], hidden)
    if mending.touched_up:  # what a person has painted is not made anew
        same = alpha == subject.alpha
        rgb[same] = subject.cutout.rgb[same]
    box = _changed(subject, rgb, alpha)
    begin("encode")
    rows, columns = slice(box.top, box.top + box.height), slice(box.left, box.left + box.width)
    patch = Canvas(np.ascontiguousarray(rgb[rows, columns]), alpha[rows, columns])
    content, _ = encode.encode(patch, options)
    size = box.width, box.height
    return _result(png.placed(content, box.left, box.top), subject.picture.header, size)


def _mended(rgb: Bytes, share: Bytes, mending: Mending) -> Bytes:
    """The share after the scribbles, uint8 (h, w)."""
    if not mending.scribbles:
        return share
    return mended(rgb, share, hints.drawn_in_order(mending.scribbles, mending.size))


def _changed(subject: _Subject, rgb: Bytes, alpha: Bytes) -> Box:
    """The smallest box of all that differs from the cut-out; of one pixel where nothing does."""
    changed = alpha != subject.alpha
    soft = np.nonzero((alpha > 0) & (alpha < 255))  # elsewhere colours are the photo's, or none
    changed[soft] |= (rgb[soft] != subject.cutout.rgb[soft]).any(axis=-1)
    left, top, width, height = cv2.boundingRect(changed.view(np.uint8))
    return Box(top, left, max(1, width), max(1, height))


def _share_of(work: Picture) -> Bytes:
    if work.alpha is None:
        return np.full(work.rgb.shape[:2], 255, np.uint8)
    return work.alpha


def _result(content: bytes, header: Header, size: tuple[int, int]) -> Result:
    facts = Facts(header.format, header.orientation, header.size, size, Box(), Box())
    return Result(content, "image/png", facts)
