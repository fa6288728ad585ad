"""JPEG's pixels, by TurboJPEG; which damaged files still are the picture that they were.

One rule: a file may lack its last row of blocks, or some of its finest shades, as downloads do that
were cut at their very end; one whose inside does not fit, so that what follows may be shifted or
grey, is refused.
"""

import re

import numpy as np
import simplejpeg

from ..arrays import Pixels
from .headers import Container
from .headers import jpeg as header

Size = tuple[int, int]

_SPACES = {"gray": "GRAY", "ycbcr": "RGB", "rgb": "RGB", "cmyk": "CMYK", "ycck": "CMYK"}
_DAMAGE = re.compile("corrupt|premature", re.IGNORECASE)
_SURPLUS = re.compile(r"(\d+) extraneous bytes")
_MOST_SURPLUS = 8  # bytes, unless all are alike (cameras pad); a shifted stream leaves more
_CUT = re.compile("premature end", re.IGNORECASE)


def read(container: Container, wanted: Size) -> tuple[Pixels, str] | None:
    """(pixels, mode) at the smallest of the codec's sizes (1/2, 3/8, 1/4, ...) that is no smaller
    than `wanted`; mode L is (h, w), RGB and CMYK (h, w, channels). None where TurboJPEG does not
    know the kind, as for rare subsamplings. Raises ValueError for damage."""
    payload = container.payload
    try:
        space = simplejpeg.decode_jpeg_header(payload)[2].lower()
    except KeyError:  # a subsampling that the library has no name for
        return None
    if space not in _SPACES:
        return None
    try:
        return _decoded(payload, space, wanted, strict=True)
    except ValueError as error:
        complaint = str(error)
    if not _DAMAGE.match(complaint):
        return None
    if not _is_slight(container, complaint):
        raise ValueError(complaint)
    return _decoded(payload, space, wanted, strict=False)


def _decoded(payload: bytes, space: str, wanted: Size, strict: bool) -> tuple[Pixels, str]:
    pixels = simplejpeg.decode_jpeg(
        payload,
        _SPACES[space],
        min_width=wanted[0],
        min_height=wanted[1],
        min_factor=2,
        strict=strict,
    )
    if space == "gray":
        return pixels[..., 0], "L"
    if pixels.shape[2] == 4:  # JPEG stores inks inverted, a convention of Adobe's programs
        return np.bitwise_not(pixels, out=pixels), "CMYK"
    return pixels, "RGB"


def _is_slight(container: Container, complaint: str) -> bool:
    """Whether only the last row of blocks is missing, by the decoder's first message."""
    surplus = _SURPLUS.search(complaint)
    if surplus:
        count = int(surplus[1])
        return count <= _MOST_SURPLUS or _is_padding(container.payload, count)
    if not container.cut_off or not _CUT.search(complaint):
        return False
    if header.ends_in_refinement(container.payload):
        return True
    shorter = header.before_last_row(container.payload)
    return shorter is not None and not _is_cut(shorter)


def _is_padding(payload: bytes, count: int) -> bool:
    """Whether the `count` bytes before the end marker are all the same byte."""
    end = payload.rfind(b"\xff\xd9")
    return end >= count and len(set(payload[end - count : end])) == 1


def _is_cut(payload: bytes) -> bool:
    try:
        simplejpeg.decode_jpeg(payload, min_width=1, min_height=1)
    except ValueError as error:
        return bool(_CUT.search(str(error)))
    return False
