"""What a file says before its pixels: one small reader for each input format.

The readers are the outer wall. They look at hostile bytes with bounded loops, before any library
does, and hand on as little as the pixel decoder needs: metadata, further frames and pages, and
whatever else could be made to swell, stay behind.
"""

from collections.abc import Callable

from removal.engine.errors import UnreadableImage

from . import bmff, bmp, gif, jpeg, png, raw, tiff, webp
from .container import Container, Damaged

__all__ = ["PUBLIC_NAMES", "Container", "Damaged", "read", "sniff", "unreadable"]

READERS: dict[str, Callable[[bytes], Container]] = {
    "JPEG": jpeg.read,
    "PNG": png.read,
    "GIF": gif.read,
    "BMP": bmp.read,
    "TIFF": tiff.read,
    "WEBP": webp.read,
    "HEIF": bmff.read_heif,
    "AVIF": bmff.read_avif,
}

PUBLIC_NAMES = {name: name for name in READERS} | {"WEBP": "WebP", "HEIF": "HEIC"}

_SIGNATURES = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, png.SIGNATURE, "PNG"),
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (0, b"BM", "BMP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),  # BigTIFF
    (0, b"MM\0+", "TIFF"),
    (8, b"WEBP", "WEBP"),
)


def sniff(data: bytes) -> str | None:
    """The format that the first bytes name, whatever the file was called; None for others."""
    for offset, magic, name in _SIGNATURES:
        if data.startswith(magic, offset):
            return name
    return bmff.sniff(data)


def read(data: bytes) -> Container:
    """Raises UnreadableImage with a sentence on what is wrong."""
    if not data:
        raise UnreadableImage("The image file is empty (0 bytes).")
    if raw.is_signed(data):
        raise UnreadableImage(raw.SENTENCE)
    name = sniff(data)
    if name is None:
        raise UnreadableImage(
            "The file is not an image of a supported format. Send JPEG, PNG, GIF, BMP, TIFF, WebP, "
            "HEIC or AVIF."
        )
    try:
        container = READERS[name](data)
    except Damaged as damage:
        raise unreadable(name, str(damage)) from damage
    if min(container.size) < 1:
        raise UnreadableImage(f"The {PUBLIC_NAMES[name]} file states a width or height of 0.")
    return container


def unreadable(name: str, damage: str) -> UnreadableImage:
    """`damage` completes a sentence, see Damaged."""
    return UnreadableImage(f"The {PUBLIC_NAMES[name]} file could not be read: {damage}.")
