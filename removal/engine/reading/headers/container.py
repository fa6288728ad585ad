"""What all header readers return, and the one way in which they refuse."""

from dataclasses import dataclass

from .page import Page


class Damaged(Exception):
    """The file breaks its format's rules or our bounds; the text completes a sentence."""


@dataclass(frozen=True, slots=True)
class Container:
    """One picture inside its file, not yet decoded.

    `size` is (width, height) as stored; `exif_orientation` 1..8 sets the stored pixels
    upright; `orientation` the one to report, which is 1 where the format itself, not EXIF,
    demands the turn; `resolution` is (x, y) in dots per inch; `profile` the ICC profile; `cicp`
    the codes of ITU-T H.273 for primaries and transfer, which outweigh the profile where they are
    understood; `payload` the bytes for the pixel decoder; `depth` the bits per sample; `cut_off`
    tells that the file ends before its format's end marker; `page` how a TIFF's samples lie in
    its payload.
    """

    format: str
    size: tuple[int, int]
    payload: bytes
    exif_orientation: int = 1
    orientation: int = 1
    resolution: tuple[float, float] | None = None
    profile: bytes | None = None
    cicp: tuple[int, int] | None = None
    depth: int = 8
    cut_off: bool = False
    page: Page | None = None
