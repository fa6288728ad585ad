"""GIF up to its first frame: comments and application blocks in front of it stay behind."""

import struct

from .container import Container, Damaged

_MAX_BLOCKS = 300_000  # sub-blocks of up to 255 bytes: an upload full of them holds 120,000
_EXTENSION, _IMAGE, _GRAPHIC_CONTROL = 0x21, 0x2C, 0xF9


def read(data: bytes) -> Container:
    try:
        return _read(data)
    except (IndexError, struct.error) as error:
        raise Damaged("it is cut off before its first frame") from error


def _read(data: bytes) -> Container:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    head, control, blocks = data[:at], b"", 0
    while data[at] == _EXTENSION:
        end, passed = _end_of_extension(data, at)
        blocks += passed
        if blocks > _MAX_BLOCKS:
            raise Damaged("it is filled with metadata")
        if data[at + 1] == _GRAPHIC_CONTROL:
            control = data[at:end]
        at = end
    if data[at] != _IMAGE:
        raise Damaged("it holds no frame")
    left, top, frame_width, frame_height = struct.unpack_from("<HHHH", data, at + 1)
    if min(frame_width, frame_height) < 1:
        raise Damaged("its first frame is empty")
    size = max(width, left + frame_width), max(height, top + frame_height)
    return Container("GIF", size, b"".join((head, control, memoryview(data)[at:])))


def _end_of_extension(data: bytes, at: int) -> tuple[int, int]:
    """Where the extension at `at` ends, and how many sub-blocks it has (the empty last included).

    Gives up early, in the midst of it, once there are too many.
    """
    at, blocks = at + 2, 1
    while data[at] and blocks <= _MAX_BLOCKS:
        at, blocks = at + 1 + data[at], blocks + 1
    return at + 1, blocks
