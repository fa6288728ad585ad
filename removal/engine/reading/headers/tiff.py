"""TIFF's first page: its tags are judged, and those that decoding needs written out anew.

The new directory stands at the end of the file and points at the old values. What it leaves out
(sub-directories, further pages, private tags of any size) no library gets to read.
"""

import struct

from .container import Container, Damaged
from .tags import Directory

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_TILE_WIDTH, _TILE_LENGTH, _SAMPLE_FORMAT, _PROFILE = 322, 323, 339, 34675
# Layout, strips and tiles, coding, palette, samples, JPEG tables, YCbCr.
_NEEDED = {
    _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, 266, 273, 277, 278, 279, 284,
    292, 293, 317, 320, _TILE_WIDTH, _TILE_LENGTH, 324, 325, 338, _SAMPLE_FORMAT, 347, 529, 530,
    531, 532,
}  # fmt: skip
# Those that are met in practice. Others (LZMA, JPEG 2000, ...) can ask for any amount of memory.
_COMPRESSIONS = {
    1: "none", 2: "CCITT RLE", 3: "CCITT T.4", 4: "CCITT T.6", 5: "LZW", 7: "JPEG", 8: "deflate",
    32773: "PackBits", 32946: "deflate",
}  # fmt: skip
_MAX_TILE_PIXELS = 32_000_000
_MAX_PARTS = 125_000  # strips or tiles, read one by one: tiles of 16 x 16 in the largest picture
_OFFSETS = (273, 324)  # of strips, of tiles
_WHITE_IS_ZERO = 0
_UNSIGNED = 1


def read(data: bytes) -> Container:
    directory = Directory(data)
    depth = max(directory.integers(_BITS), default=1)
    _check(directory, depth)
    return Container(
        "TIFF",
        (directory.integer(_WIDTH, 0), directory.integer(_HEIGHT, 0)),
        _payload(directory),
        exif_orientation=directory.orientation,
        orientation=directory.orientation,
        resolution=directory.resolution,
        profile=directory.blob(_PROFILE),
        depth=depth,
        white_is_zero=directory.integer(_PHOTOMETRIC, 1) == _WHITE_IS_ZERO,
    )


def _check(directory: Directory, depth: int) -> None:
    compression = directory.integer(_COMPRESSION, 1)
    if compression not in _COMPRESSIONS:
        known = ", ".join(dict.fromkeys(_COMPRESSIONS.values()))
        raise Damaged(f"its compression ({compression}) is not one of {known}")
    if depth > 16 or {*directory.integers(_SAMPLE_FORMAT)} - {_UNSIGNED}:
        raise Damaged("its samples are not unsigned integers of 1 to 16 bits")
    tile = directory.integer(_TILE_WIDTH, 0) * directory.integer(_TILE_LENGTH, 0)
    if tile > _MAX_TILE_PIXELS:
        raise Damaged(f"its tiles have {tile:,} pixels, over {_MAX_TILE_PIXELS:,}")
    values = sum(directory.entries[tag].length for tag in _NEEDED & directory.entries.keys())
    if values > len(directory.data):
        raise Damaged("its tags claim more bytes than the file has")
    parts = max(
        (directory.entries[tag].count for tag in _OFFSETS if tag in directory.entries), default=0
    )
    if parts > _MAX_PARTS:
        raise Damaged(f"it is cut into {parts:,} strips or tiles, over {_MAX_PARTS:,}")


def _payload(directory: Directory) -> bytes:
    """The file with a directory of the needed tags alone."""
    data, order = directory.data, directory.order
    kept = [directory.entries[tag].raw for tag in sorted(_NEEDED & directory.entries.keys())]
    start = len(data) + len(data) % 2
    return b"".join((
        data[:4],
        struct.pack(order + "I", start),
        memoryview(data)[8:],
        bytes(start - len(data)),
        struct.pack(order + "H", len(kept)),
        *kept,
        bytes(4),
    ))  # fmt: skip
