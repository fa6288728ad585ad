"""TIFF's first page: its tags are judged and told as a `Page`, from which pixels are read.

No library gets to see the file's own directories: see `reading.tiff`.
"""

from removal.engine.errors import UnreadableImage

from . import raw
from .container import Container, Damaged
from .page import (
    BLACK_IS_ZERO,
    CCITT,
    CHANNELS,
    CIELAB,
    CMYK,
    DEFLATE,
    JPEG,
    LZW,
    RGB,
    UNCOMPRESSED,
    WHITE_IS_ZERO,
    YCBCR,
    Page,
)
from .tags import Directory

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES, _PLANAR = 273, 277, 278, 279, 284
_T4_OPTIONS, _T6_OPTIONS, _PREDICTOR, _PALETTE = 292, 293, 317, 320
_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _TILE_BYTES = 322, 323, 324, 325
_INK_SET, _EXTRA_SAMPLES, _SAMPLE_FORMAT, _JPEG_TABLES = 332, 338, 339, 347
_COEFFICIENTS, _SUBSAMPLING, _REFERENCE, _PROFILE = 529, 530, 532, 34675

# Those that are met in practice. Others (LZMA, JPEG 2000, ...) can ask for any amount of memory.
_COMPRESSIONS = {
    UNCOMPRESSED: "none", 2: "CCITT RLE", 3: "CCITT T.4", 4: "CCITT T.6", LZW: "LZW", JPEG: "JPEG",
    8: "deflate", 32773: "PackBits", 32946: "deflate",
}  # fmt: skip
_UNSIGNED, _SIGNED, _UNDEFINED = 1, 2, 4
_ASSOCIATED, _UNASSOCIATED = 1, 2
_DIFFERENCES = 2  # of Predictor
_SEPARATE = 2  # of PlanarConfiguration

_MAX_SAMPLES = 8
_MAX_PARTS = 125_000  # strips or tiles, read one by one: tiles of 16 x 16 in the largest picture
_MAX_PART_PIXELS = 32_000_000  # of a strip or tile; larger pictures are refused anyway
_MAX_PART_BYTES = 8 * _MAX_PART_PIXELS  # unpacked: as many pixels of 16-bit RGBA, at once


def read(data: bytes) -> Container:
    directory = Directory(data)
    if raw.is_tiff_based(directory):
        raise UnreadableImage(raw.SENTENCE)
    if raw.is_preview(directory):
        raise Damaged(
            "its first page is a small preview of another picture in it (as in camera raw files). "
            "Export the photo as JPEG, PNG or a TIFF of one page"
        )
    page = _page(directory)
    _check(page)
    return Container(
        "TIFF",
        page.size,
        data,
        exif_orientation=directory.orientation,
        orientation=directory.orientation,
        resolution=directory.resolution,
        profile=directory.blob(_PROFILE),
        depth=page.bits,
        page=page,
    )


def _page(directory: Directory) -> Page:
    size = directory.integer(_WIDTH, 0), directory.integer(_HEIGHT, 0)
    compression = directory.integer(_COMPRESSION, UNCOMPRESSED)
    _check_compression(compression)
    samples, photometric = _colours(directory, compression)
    alpha, associated = _alpha(directory, samples, CHANNELS[photometric])
    tiled = not {_TILE_WIDTH, _TILE_OFFSETS}.isdisjoint(directory.entries)
    offsets = _places(directory, _TILE_OFFSETS if tiled else _STRIP_OFFSETS)
    fax_options = {3: _T4_OPTIONS, 4: _T6_OPTIONS}.get(compression, 0)
    return Page(
        order=directory.order,
        size=size,
        bits=_bits(directory, samples),
        samples=samples,
        photometric=photometric,
        compression=compression,
        part=_part(directory, size, tiled),
        offsets=offsets,
        lengths=_places(directory, _TILE_BYTES if tiled else _STRIP_BYTES),
        separate=directory.integer(_PLANAR, 1) == _SEPARATE and samples > 1,
        tiled=tiled,
        differences=_has_differences(directory, compression),
        reversed_bits=directory.integer(_FILL_ORDER, 1) == 2,
        alpha=alpha,
        associated=associated,
        palette=directory.integers(_PALETTE, 3 << 8),
        subsampling=_subsampling(directory, photometric, compression),
        coefficients=directory.rationals(_COEFFICIENTS, 3),
        reference=directory.rationals(_REFERENCE, 6),
        jpeg_tables=(directory.blob(_JPEG_TABLES) or b"")[: 1 << 16],
        fax_options=directory.integer(fax_options, 0),
    )


def _check_compression(compression: int) -> None:
    if compression not in _COMPRESSIONS:
        known = ", ".join(dict.fromkeys(_COMPRESSIONS.values()))
        raise Damaged(f"its compression ({compression}) is not one of {known}")


def _colours(directory: Directory, compression: int) -> tuple[int, int]:
    """(samples of a pixel, photometric interpretation), as libtiff guesses where they lack."""
    photometric = directory.integer(_PHOTOMETRIC, -1)
    samples = directory.integer(_SAMPLES, max(1, len(directory.integers(_BITS))))
    if photometric < 0:
        grey = WHITE_IS_ZERO if compression in CCITT else BLACK_IS_ZERO
        photometric = grey if samples < 3 else RGB
    if photometric not in CHANNELS:
        raise Damaged(
            f"its colours (photometric interpretation {photometric}) are not grey, RGB, a palette, "
            "CMYK, YCbCr or Lab"
        )
    if photometric == CMYK and directory.integer(_INK_SET, 1) != 1:
        raise Damaged("its inks are not cyan, magenta, yellow and black")
    if not CHANNELS[photometric] <= samples <= _MAX_SAMPLES:
        raise Damaged(
            f"it has {samples} channels, where its colours need {CHANNELS[photometric]} and up to "
            f"{_MAX_SAMPLES} are read"
        )
    return samples, photometric


def _alpha(directory: Directory, samples: int, channels: int) -> tuple[int | None, bool]:
    """(index of the alpha sample, whether it is associated). Extra samples of no stated meaning are
    not taken for one; a single one that is not mentioned at all is, as elsewhere."""
    if samples == channels:
        return None, False
    if _EXTRA_SAMPLES not in directory.entries:
        return (channels, False) if samples == channels + 1 else (None, False)
    for index, meaning in enumerate(directory.integers(_EXTRA_SAMPLES)[: samples - channels]):
        if meaning in (_ASSOCIATED, _UNASSOCIATED):
            return channels + index, meaning == _ASSOCIATED
    return None, False


def _bits(directory: Directory, samples: int) -> int:
    bits = directory.integers(_BITS, samples) or (1,)
    if len(set(bits)) > 1:
        told = ", ".join(map(str, bits))
        raise Damaged(f"its channels have different numbers of bits ({told})")
    formats = {*directory.integers(_SAMPLE_FORMAT, samples)}
    signed = {_SIGNED} if directory.integer(_PHOTOMETRIC, -1) == CIELAB else set()
    if not 1 <= bits[0] <= 16 or formats - {_UNSIGNED, _UNDEFINED} - signed:
        raise Damaged("its samples are not unsigned integers of 1 to 16 bits")
    return bits[0]


def _part(directory: Directory, size: tuple[int, int], tiled: bool) -> tuple[int, int]:
    if tiled:
        part = directory.integer(_TILE_WIDTH, 0), directory.integer(_TILE_LENGTH, 0)
    else:
        part = size[0], min(directory.integer(_ROWS_PER_STRIP, size[1]), size[1])
    if min(size) > 0 and min(part) < 1:
        raise Damaged("its strips or tiles state a width or height of 0")
    return part


def _places(directory: Directory, tag: int) -> tuple[int, ...]:
    entry = directory.entries.get(tag)
    if entry is None:
        return ()
    if entry.length > len(directory.data):
        raise Damaged("its tags claim more bytes than the file has")
    if entry.count > _MAX_PARTS:
        raise Damaged(f"it is cut into {entry.count:,} strips or tiles, over {_MAX_PARTS:,}")
    return directory.integers(tag, _MAX_PARTS)


def _has_differences(directory: Directory, compression: int) -> bool:
    """Whether samples are told as differences to their neighbours, which only two kinds of
    compression know of."""
    predictor = directory.integer(_PREDICTOR, 1)
    if compression != LZW and compression not in DEFLATE:
        return False
    if predictor not in (1, _DIFFERENCES):
        raise Damaged(f"its predictor ({predictor}) is not one of integers")
    return predictor == _DIFFERENCES


def _subsampling(directory: Directory, photometric: int, compression: int) -> tuple[int, int]:
    if photometric != YCBCR:
        return 1, 1
    across, down = (*directory.integers(_SUBSAMPLING, 2), 2, 2)[:2]
    if {across, down} - {1, 2, 4}:
        raise Damaged(f"its colours are subsampled by {across} x {down}")
    return across, down


def _check(page: Page) -> None:
    """Refuse what the tags allow but no picture of ours is, or what cannot be read rightly."""
    if min(page.size) < 1:
        return  # told for all formats alike
    parts = page.across * page.down * (page.samples if page.separate else 1)
    if parts > _MAX_PARTS:
        raise Damaged(f"it is cut into {parts:,} strips or tiles, over {_MAX_PARTS:,}")
    if len(page.offsets) < parts:
        raise Damaged(f"it names {len(page.offsets):,} of its {parts:,} strips or tiles")
    pixels = page.part[0] * page.part[1]
    if page.tiled and pixels > _MAX_PART_PIXELS:
        raise Damaged(f"its tiles have {pixels:,} pixels, over {_MAX_PART_PIXELS:,}")
    bits = page.bits * (1 if page.separate else page.samples)
    unpacked = min(pixels, _MAX_PART_PIXELS) * bits // 8
    if unpacked > _MAX_PART_BYTES:
        raise Damaged(f"its strips or tiles have {unpacked:,} bytes each, over {_MAX_PART_BYTES:,}")
    if page.problem is not None:
        raise Damaged(page.problem)
