"""Hints as a picture: a PNG whose pixels say what is to be kept and what is to go.

White or green keeps, black or red removes; grey between them and whatever is transparent say
nothing. So it is a grey picture like a trimap, or strokes on a transparent one.
"""

import numpy as np

from .. import hints
from ..errors import InvalidOption, TooManyPixels, UnreadableImage
from ..hints import Marked
from . import decode
from .decode import Photo, Size

KEPT, REMOVED = 192, 63  # of the green channel: at least, at most
SAID = 128  # of alpha, at least
MEANING = "white or green where something is to be kept, black or red where it is to go"
ALLOWED = f"a PNG with {MEANING}, and grey or transparent elsewhere"


def opened(png: bytes, size: Size) -> Photo:
    """Reads the header alone. size: the upright picture's (width, height), which the labels have
    too, or they are smaller and of its proportions. Raises InvalidOption."""
    try:
        photo = decode.opened(png)
    except (UnreadableImage, TooManyPixels):
        raise InvalidOption(hints.NAME, "a file that is no PNG", ALLOWED) from None
    if photo.header.format != "PNG":
        raise InvalidOption(hints.NAME, photo.header.format, ALLOWED)
    if not _fits(photo.header.size, size):
        width, height = photo.header.size
        raise InvalidOption(
            hints.NAME,
            f"labels of {width} x {height} pixels",
            f"those of the upright picture, {size[0]} x {size[1]}, or smaller ones of its shape",
        )
    return photo


def read(photo: Photo) -> Marked:
    """What is kept and what is removed, bool (h, w), on the grid that strokes are drawn on.

    Raises InvalidOption where the file is damaged or every pixel is marked: that is a matte or
    another kind of label, not a hint.
    """
    try:
        picture = decode.decode(photo, decode.MAX_INPUT_PIXELS)
    except UnreadableImage:
        raise InvalidOption(hints.NAME, "a damaged PNG", ALLOWED) from None
    green = picture.rgb[..., 1]
    keep, remove = green >= KEPT, green <= REMOVED
    if picture.alpha is not None:
        said = picture.alpha >= SAID
        keep &= said
        remove &= said
    if np.all(keep | remove):
        raise InvalidOption(hints.NAME, "a PNG whose every pixel is marked", ALLOWED)
    return hints.shrunk(keep), hints.shrunk(remove)


def _fits(labels: Size, size: Size) -> bool:
    """A smaller picture's sides are whole numbers, so its proportions may be off by half a pixel
    of its own."""
    if labels[0] > size[0] or labels[1] > size[1]:
        return False
    return abs(labels[0] * size[1] - labels[1] * size[0]) <= max(size) / 2 + 0.5
