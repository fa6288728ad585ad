"""BMP's header: the size, and whether the rows are run-length coded."""

import struct

from .container import Container, Damaged
from .tags import dots_per_inch

_CORE_HEADER = 12  # OS/2's, with 16-bit sizes; all others begin like Windows'
_RUN_LENGTH = {1, 2}
_INCHES_PER_METRE = 0.0254


def read(data: bytes) -> Container:
    try:
        (header,) = struct.unpack_from("<I", data, 14)
        if header == _CORE_HEADER:
            return Container("BMP", struct.unpack_from("<HH", data, 18), data)
        width, height = struct.unpack_from("<ii", data, 18)
        x, y = struct.unpack_from("<II", data, 38)
    except struct.error as error:
        raise Damaged("it is cut off inside its header") from error
    if width < 0:
        raise Damaged("its width is negative")
    return Container(
        "BMP",
        (width, abs(height)),  # negative: rows run from the top
        data,
        resolution=dots_per_inch(x * _INCHES_PER_METRE, y * _INCHES_PER_METRE),
    )


def is_run_length_coded(data: bytes) -> bool:
    """Whether the pixels of a BMP whose header was read are RLE4 or RLE8."""
    header, compression = struct.unpack_from("<I", data, 14)[0], data[30]
    return header != _CORE_HEADER and compression in _RUN_LENGTH
