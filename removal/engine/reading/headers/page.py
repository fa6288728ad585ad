"""How a picture's samples lie in a TIFF, and which of the ways that its tags allow are read."""

from collections.abc import Callable
from dataclasses import dataclass

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, CIELAB, ICCLAB = 0, 1, 2, 3, 5, 6, 8, 9
CHANNELS = {
    WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3, CIELAB: 3, ICCLAB: 3,
}  # fmt: skip
LAB = {CIELAB, ICCLAB}

UNCOMPRESSED, LZW, JPEG = 1, 5, 7
DEFLATE = {8, 32946}
CCITT = {2, 3, 4}


@dataclass(frozen=True, slots=True)
class Page:
    """How a picture's samples lie in a TIFF.

    `order` is "<" or ">"; `part` the (width, height) of a strip or tile, `offsets` and `lengths`
    say where their bytes are, plane after plane where each channel has a plane of its own
    (`separate`); `alpha` is the index of the sample that is one, `associated` whether it has been
    multiplied into the colours; `subsampling` how many pixels (across, down) share YCbCr's colour.
    """

    order: str
    size: tuple[int, int]
    bits: int
    samples: int
    photometric: int
    compression: int
    part: tuple[int, int]
    offsets: tuple[int, ...]
    lengths: tuple[int, ...]
    separate: bool = False
    tiled: bool = False
    differences: bool = False
    reversed_bits: bool = False
    alpha: int | None = None
    associated: bool = False
    palette: tuple[int, ...] = ()
    subsampling: tuple[int, int] = (1, 1)
    coefficients: tuple[float, ...] = ()
    reference: tuple[float, ...] = ()
    jpeg_tables: bytes = b""
    fax_options: int = 0

    @property
    def channels(self) -> int:
        return CHANNELS[self.photometric]

    @property
    def across(self) -> int:
        """Strips or tiles side by side."""
        return -(-self.size[0] // self.part[0])

    @property
    def down(self) -> int:
        return -(-self.size[1] // self.part[1])

    @property
    def is_subsampled(self) -> bool:
        """Whether the file holds fewer colours than pixels as it is; JPEG takes care of its own."""
        return self.subsampling != (1, 1) and (self.compression != JPEG or self.separate)

    @property
    def unit_rows(self) -> int:
        """Rows of the picture in a row of samples."""
        return self.subsampling[1] if self.is_subsampled else 1

    @property
    def problem(self) -> str | None:
        """Why this combination of valid tags is not read; completes a sentence. "" where it is."""
        return next((told for is_met, told in _UNREAD if is_met(self)), None)


_UNREAD: tuple[tuple[Callable[[Page], bool], str], ...] = (
    (
        lambda page: page.photometric == PALETTE and page.bits > 8,
        "its palette has more than 256 colours",
    ),
    (
        lambda page: page.photometric == PALETTE and len(page.palette) < 3 << page.bits,
        "its palette has fewer colours than its samples may name",
    ),
    (
        lambda page: page.photometric in LAB and page.bits not in (8, 16),
        "its Lab colours have other than 8 or 16 bits",
    ),
    (
        lambda page: page.photometric == YCBCR and page.bits != 8,
        "its YCbCr colours have other than 8 bits",
    ),
    (
        lambda page: page.associated and page.photometric in LAB | {YCBCR},
        "its alpha is multiplied into colours that are not grey, RGB or CMYK",
    ),
    (
        lambda page: (
            page.is_subsampled and (page.separate or page.samples != 3 or page.differences)
        ),
        "its subsampled YCbCr colours lie in separate planes or beside other channels",
    ),
    (
        lambda page: (
            page.is_subsampled and page.part[1] % page.subsampling[1] != 0 and page.down > 1
        ),
        "its strips cut through its subsampled colours",
    ),
    (
        lambda page: page.differences and page.bits not in (8, 16),
        "its predictor is used on samples of other than 8 or 16 bits",
    ),
    (
        lambda page: page.compression in CCITT and (page.bits, page.samples) != (1, 1),
        "its fax compression is used on other than black and white",
    ),
    (
        lambda page: page.compression == JPEG and page.bits != 8,
        "its JPEG compression is used on other than 8 bits",
    ),
    (
        lambda page: (
            page.compression == JPEG
            and (page.photometric == PALETTE or page.samples != page.channels)
            and not page.separate
        ),
        "its JPEG compression is used on a palette or beside other channels",
    ),
)
