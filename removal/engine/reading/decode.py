"""From a file's bytes to upright 8-bit sRGB pixels of the size that will be worked on.

`inspect` reads headers only, so that a picture can be priced or refused before work starts.
Nothing that the file holds besides its first picture, its alpha, resolution and colour profile
goes any further.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

from .. import colour, icc
from ..arrays import Pixels
from ..errors import TooManyPixels, UnreadableImage
from ..geometry import limited_size
from . import hdr, headers, jpeg, tiff
from .headers import Container, Damaged, bmff, bmp

Size = tuple[int, int]
Number = TypeVar("Number", int, float)

MAX_INPUT_PIXELS = 32_000_000

_LONGEST = 1 << 17  # pixels of a side that is scaled at once
_STRIP_PIXELS = 1 << 18  # divided at a time: floating-point frames of all would not fit
# Of Pillow, pillow_heif, simplejpeg and OpenCV; Damaged is ours.
_LIBRARY_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, RuntimeError, struct.error, zlib.error,
    cv2.error,
)  # fmt: skip
_FLIPS = {2: 1, 4: 0}  # orientation -> cv2's flip code
_TURNS = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}


@dataclass(frozen=True, slots=True)
class Header:
    """What is known before decoding. `size` is (width, height) once `orientation` is applied."""

    format: str
    orientation: int
    size: Size

    @property
    def pixels(self) -> int:
        return self.size[0] * self.size[1]


@dataclass(frozen=True, slots=True)
class Photo:
    """A file whose headers have been read, to be decoded."""

    header: Header
    container: Container


@dataclass(frozen=True, slots=True)
class Picture:
    """Decoded pixels.

    `rgb` is uint8 (h, w, 3), C-contiguous and writable, sRGB, upright; `alpha` uint8 (h, w),
    straight, or None where the picture is opaque; `resolution` (x, y) in dots per inch or None.
    Colours under alpha 0 are whatever the file held there.
    """

    rgb: Pixels
    alpha: Pixels | None
    resolution: tuple[float, float] | None
    header: Header


@dataclass(frozen=True, slots=True)
class _Stored:
    """Pixels as they lie in the file: uint8 (h, w) for mode L, else (h, w, channels of mode)."""

    pixels: Pixels
    mode: str
    alpha: Pixels | None = None

    @property
    def size(self) -> Size:
        height, width = self.pixels.shape[:2]
        return width, height


def opened(data: bytes) -> Photo:
    """Reads headers only. Raises UnreadableImage, TooManyPixels."""
    container = headers.read(data)
    size = _turned(container.size, container.exif_orientation)
    header = Header(container.format, container.orientation, size)
    if header.pixels > MAX_INPUT_PIXELS:
        raise TooManyPixels(header.pixels, MAX_INPUT_PIXELS)
    return Photo(header, container)


def inspect(data: bytes) -> Header:
    """The picture's header, without decoding it. Raises UnreadableImage, TooManyPixels."""
    return opened(data).header


def decode(photo: Photo, max_pixels: int) -> Picture:
    """The picture at `limited_size` of its upright size.

    Existing alpha weighs the colours when the picture is shrunk. Raises UnreadableImage, also for
    files that are cut off.
    """
    header, container = photo.header, photo.container
    size = limited_size(*header.size, max_pixels)
    stored_size = _turned(size, container.exif_orientation)
    with _clear_errors(container.format):
        stored = _READERS.get(container.format, _read_pillow)(container, stored_size)
    stored = _shrink(stored, stored_size)
    rgb = _srgb(stored, container)
    return Picture(
        rgb=np.require(_upright(rgb, container.exif_orientation), requirements=["C", "W"]),
        alpha=None if stored.alpha is None else _upright(stored.alpha, container.exif_orientation),
        resolution=_turned(container.resolution, container.exif_orientation)
        if container.resolution
        else None,
        header=header,
    )


def _srgb(stored: _Stored, container: Container) -> Pixels:
    code = container.cicp or (icc.cicp(container.profile) if container.profile else None)
    if code and code[1] in hdr.TRANSFERS and stored.mode in ("L", "RGB"):
        grey = stored.mode == "L"
        signal = np.asarray(cv2.merge([stored.pixels] * 3), np.uint8) if grey else stored.pixels
        return hdr.to_srgb(signal, *code)
    coded = colour.coded_profile(*container.cicp) if container.cicp else None
    return colour.to_srgb(stored.pixels, stored.mode, coded or container.profile)


def _turned(pair: tuple[Number, Number], orientation: int) -> tuple[Number, Number]:
    return (pair[1], pair[0]) if orientation >= 5 else pair


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo EXIF's `orientation` 1..8, which says how the stored pixels are turned."""
    if orientation in _TURNS:
        return cast(Pixels, cv2.rotate(pixels, _TURNS[orientation]))
    if orientation in _FLIPS:
        return cast(Pixels, cv2.flip(pixels, _FLIPS[orientation]))
    if orientation in (5, 7):
        mirrored = cv2.transpose(pixels)
        return cast(Pixels, mirrored if orientation == 5 else cv2.rotate(mirrored, cv2.ROTATE_180))
    return pixels


@contextmanager
def _clear_errors(name: str) -> Iterator[None]:
    """Turn what the libraries raise on bytes that are no picture into UnreadableImage. Any other
    exception is a fault of ours and passes: the caller must not be told to send a better file."""
    try:
        yield
    except Damaged as damage:
        raise headers.unreadable(name, str(damage)) from damage
    except Image.DecompressionBombError as error:  # the limit is the host program's
        raise UnreadableImage(f"Pillow's limit forbids the picture: {error}") from error
    except _LIBRARY_ERRORS as error:
        raise UnreadableImage(
            f"The {headers.PUBLIC_NAMES[name]} file is damaged or cut off: its picture data could "
            "not be decoded. Send the complete file."
        ) from error


def _read_jpeg(container: Container, wanted: Size) -> _Stored:
    found = jpeg.read(container, wanted)
    return _read_pillow(container, wanted) if found is None else _Stored(*found)


def _read_heif(container: Container, wanted: Size) -> _Stored:
    image = bmff.open_heif(container.payload)
    pixels = np.asarray(image)
    _expect_size(container, (pixels.shape[1], pixels.shape[0]))
    if pixels.dtype == np.uint16:
        return _Stored((pixels >> 8).astype(np.uint8), "L")
    return _from_pillow(Image.fromarray(pixels, image.mode), container)


def _read_bmp(container: Container, wanted: Size) -> _Stored:
    if not bmp.is_run_length_coded(container.payload):
        return _read_pillow(container, wanted)
    # Pillow decodes runs in Python, at a microsecond each.
    encoded = np.frombuffer(container.payload, np.uint8)
    pixels = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise Damaged("its run-length data are damaged")
    return _Stored(cast(Pixels, pixels), "RGB")


def _read_tiff(container: Container, wanted: Size) -> _Stored:
    assert container.page is not None
    pixels, mode, alpha = tiff.read(container.payload, container.page)
    return _Stored(pixels, mode, alpha)


def _read_pillow(container: Container, wanted: Size) -> _Stored:
    with _opened(container) as image:
        _expect_size(container, image.size)
        # Pillow copies a raw row again with each block of it, which is quadratic in its length.
        image.decodermaxblock = max(image.decodermaxblock, len(container.payload))
        image.load()
        _expect_size(container, image.size)
        return _from_pillow(image, container)


def _opened(container: Container) -> ImageFile:
    if container.format == "AVIF":
        return bmff.open_avif(container.payload)
    return Image.open(io.BytesIO(container.payload), formats=[container.format])


_READERS = {"JPEG": _read_jpeg, "HEIF": _read_heif, "BMP": _read_bmp, "TIFF": _read_tiff}


def _expect_size(container: Container, size: Size) -> None:
    """Raises where the decoder finds another size than the header that was checked and priced."""
    if size != container.size:
        raise Damaged(f"its header says {container.size}, its picture data {size}")


def _from_pillow(image: Image.Image, container: Container) -> _Stored:
    """The image as 8-bit samples of L, RGB or CMYK, its transparency as alpha."""
    if image.mode.startswith("I;16"):
        return _from_16_bit(image, container)
    key = image.info.pop("transparency", None) if image.mode != "P" else None
    if image.mode in ("P", "PA", "LA", "La", "RGBA", "RGBa"):
        return _from_alpha(image)
    depth = container.depth
    if image.mode == "1":
        image, depth = image.convert("L"), 8  # Pillow tells this key as 0 or 255
    if image.mode not in ("L", "RGB", "CMYK"):
        raise Damaged(f"its samples (of mode {image.mode}) are not of 8 bits")
    pixels = np.asarray(image)
    return _Stored(pixels, image.mode, None if key is None else _keyed(pixels, key, depth))


def _from_alpha(image: Image.Image) -> _Stored:
    if image.mode == "P" and "transparency" not in image.info:
        return _Stored(np.asarray(image.convert("RGB")), "RGB")
    mode = "LA" if image.mode in ("LA", "La") else "RGBA"
    pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    alpha = None if pixels[..., -1].min() == 255 else pixels[..., -1].copy()
    if mode == "LA":  # stays grey, as its profile is one of greys
        return _Stored(pixels[..., 0].copy(), "L", alpha)
    return _Stored(cast(Pixels, cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB)), "RGB", alpha)


def _from_16_bit(image: Image.Image, container: Container) -> _Stored:
    """Keep the high byte, as Pillow does for 16-bit RGB (its own `convert` would clip)."""
    samples = np.asarray(image)
    pixels = (samples >> (container.depth - 8)).astype(np.uint8)
    key = image.info.get("transparency")
    alpha = None if key is None else np.where(samples == key, 0, 255).astype(np.uint8)
    return _Stored(pixels, "L", alpha)


def _keyed(pixels: Pixels, key: int | tuple[int, ...], depth: int) -> Pixels:
    """Alpha 0 where a pixel has PNG's transparent colour, which is told in the file's own depth."""
    told = np.asarray(key)
    wanted = told >> 8 if depth == 16 else told * (255 // (2**depth - 1))
    same = pixels == wanted
    return np.where(same.all(-1) if pixels.ndim == 3 else same, 0, 255).astype(np.uint8)


def _shrink(stored: _Stored, size: Size) -> _Stored:
    """Average areas down to `size`, colours weighed by alpha: hidden ones must not bleed in."""
    if stored.size == size:
        return stored
    if stored.alpha is None:
        return _Stored(_area(stored.pixels, size), stored.mode)
    channels = 1 if stored.pixels.ndim == 2 else stored.pixels.shape[2]
    alpha = stored.alpha if channels == 1 else cv2.merge([stored.alpha] * channels)
    weighed = _area(cv2.multiply(stored.pixels, alpha, dtype=cv2.CV_16U), size)
    weights = _area(np.multiply(stored.alpha, np.uint16(255)), size)
    colours = np.empty(weighed.shape, np.uint8)
    rows = max(1, _STRIP_PIXELS // size[0])
    for start in range(0, size[1], rows):
        strip = slice(start, start + rows)
        share = np.float32(255) / np.maximum(weights[strip], 1)
        share = share if channels == 1 else cv2.merge([share] * channels)
        cv2.multiply(weighed[strip], share, colours[strip], dtype=cv2.CV_8U)
    return _Stored(colours, stored.mode, ((weights + np.uint16(127)) // 255).astype(np.uint8))


def _area(pixels: NDArray[Any], size: Size) -> NDArray[Any]:
    """Shrunk to `size`; a very long side in parts that begin within half a pixel of where they
    should, as OpenCV keeps tables and rows of floats for all of a side: a GiB for 32 megapixels."""
    axis = 0 if pixels.shape[0] > pixels.shape[1] else 1
    old, new = pixels.shape[axis], size[1 - axis]
    number = min(-(-old // _LONGEST), new)
    if number == 1:
        return _resized(pixels, size)
    result = np.empty((size[1], size[0], *pixels.shape[2:]), pixels.dtype)
    ends = [new * end // number for end in range(number + 1)]
    for start, end in pairwise(ends):
        part = pixels.swapaxes(0, axis)[start * old // new : end * old // new].swapaxes(0, axis)
        place = result.swapaxes(0, axis)[start:end].swapaxes(0, axis)
        place[...] = _resized(np.ascontiguousarray(part), place.shape[1::-1])
    return result


def _resized(pixels: NDArray[Any], size: Size) -> NDArray[Any]:
    return cast(NDArray[Any], cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
