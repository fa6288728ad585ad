"""HEIC and AVIF: boxes that only their libraries read; opening one decodes no pixels."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pillow_heif
from PIL import AvifImagePlugin, Image
from PIL.ImageFile import ImageFile

from removal.engine import threads
from removal.engine.reading import hdr

from . import av1, items
from .container import Container, Damaged
from .tags import exif

_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs"}

_SETTING = threading.Lock()


@contextmanager
def _set(module: Any, **options: object) -> Iterator[None]:
    """A library's options for one call: they are the whole program's, which may not be ours."""
    with _SETTING:
        before = {name: getattr(module, name) for name in options}
        vars(module).update(options)
        try:
            yield
        finally:
            vars(module).update(before)


def sniff(data: bytes) -> str | None:
    """By the brands of the `ftyp` box: "AVIF", "HEIF" or None."""
    if data[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(data[:4], "big"), 256)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, end, 4))]
    for brand in brands:
        if brand in _AVIF_BRANDS:
            return "AVIF"
        if brand in _HEIF_BRANDS:
            return "HEIF"
    return None


def read_heif(data: bytes) -> Container:
    """libheif turns the picture as the container demands; its EXIF orientation is a mere note."""
    try:
        image = open_heif(data)
    except (OSError, ValueError, SyntaxError, RuntimeError, EOFError, IndexError) as error:
        items.primary(data)  # may know a better reason
        raise Damaged("it is incomplete or not of the HEIC kind") from error
    container = Container("HEIF", image.size, data, profile=image.info.get("icc_profile"))
    if _is_too_large(container):
        return container
    primary = items.primary(data)
    if not (primary.is_thumbnail or image.info.get("primary", True)):
        raise Damaged("its primary picture is not one that can be decoded")
    return replace(container, cicp=_outweighing(primary.cicp, container.profile))


def _is_too_large(container: Container) -> bool:
    """Whether the stated size alone is over the limit: that error says more."""
    return container.size[0] * container.size[1] > items.MAX_CANVAS


def _outweighing(cicp: tuple[int, int] | None, profile: bytes | None) -> tuple[int, int] | None:
    """The codes of colour, which a profile outweighs unless they tell of HDR."""
    return cicp if cicp and (not profile or cicp[1] in hdr.TRANSFERS) else None


def open_heif(data: bytes) -> Any:
    """The primary picture of a HEIC file, not yet decoded: 8 bits per sample, of grey 16 as well.

    Nothing else is wanted: thumbnails and depth maps would be opened too.
    """
    options = pillow_heif.options
    nothing_else = {"THUMBNAILS": False, "DEPTH_IMAGES": False, "AUX_IMAGES": False}
    with _set(options, DECODE_THREADS=threads.count(), **nothing_else):
        file = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    return file[file.primary_index]


def read_avif(data: bytes) -> Container:
    """AVIF demands its turn in the container too; Pillow tells it as an EXIF orientation."""
    data = av1.still(data)
    try:
        with open_avif(data) as image:
            size, info = image.size, image.info
    except (OSError, ValueError, SyntaxError, RuntimeError, EOFError) as error:
        raise Damaged("it is incomplete or not an AVIF still picture") from error
    directory = exif(info.get("exif", b"").removeprefix(b"Exif\0\0"))
    orientation = directory.orientation if directory else 1
    profile = info.get("icc_profile")
    container = Container("AVIF", size, data, exif_orientation=orientation, profile=profile)
    if _is_too_large(container):
        return container
    return replace(container, cicp=_outweighing(items.primary(data).cicp, profile))


def open_avif(data: bytes) -> ImageFile:
    """The file, not yet decoded."""
    with _set(AvifImagePlugin, DEFAULT_MAX_THREADS=threads.count()):
        return Image.open(io.BytesIO(data), formats=["AVIF"])
