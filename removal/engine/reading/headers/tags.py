"""TIFF's tag directory, which EXIF shares: the first one only, read lazily and bounded."""

import struct
from dataclasses import dataclass

from .container import Damaged

MAX_ENTRIES = 1000  # real files hold some dozens

ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 274, 282, 283, 296
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I"}
_RATIONAL = 5
_DPI_OF_UNIT = {2: 1.0, 3: 2.54}  # inch, centimetre
_MAX_VALUES = 16  # of one tag: more than any that is asked for


@dataclass(frozen=True, slots=True)
class Entry:
    """`raw` are the directory's own 12 bytes, `offset` is where the values lie."""

    raw: bytes
    kind: int
    count: int
    offset: int

    @property
    def length(self) -> int:
        return _TYPE_BYTES.get(self.kind, 0) * self.count


class Directory:
    """The tags of a block of TIFF structure. Raises Damaged where there is no such structure."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4], "")
        if not self.order:
            raise Damaged("its header is not TIFF")
        try:
            self.entries = dict(self._read())
        except struct.error as error:
            raise Damaged("its tag directory is cut off") from error

    def _read(self) -> list[tuple[int, Entry]]:
        (start,) = struct.unpack_from(self.order + "I", self.data, 4)
        (count,) = struct.unpack_from(self.order + "H", self.data, start)
        if count > MAX_ENTRIES:
            raise Damaged(f"its tag directory has {count} entries, over {MAX_ENTRIES}")
        return [self._entry(start + 2 + 12 * index) for index in range(count)]

    def _entry(self, at: int) -> tuple[int, Entry]:
        tag, kind, count, pointer = struct.unpack_from(self.order + "HHII", self.data, at)
        inline = _TYPE_BYTES.get(kind, 0) * count <= 4
        return tag, Entry(self.data[at : at + 12], kind, count, at + 8 if inline else pointer)

    def integers(self, tag: int) -> tuple[int, ...]:
        """The tag's first values; empty where it is absent or not of an integer type."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in _INTEGERS:
            return ()
        layout = f"{self.order}{min(entry.count, _MAX_VALUES)}{_INTEGERS[entry.kind]}"
        try:
            return struct.unpack_from(layout, self.data, entry.offset)
        except struct.error:
            return ()

    def integer(self, tag: int, default: int) -> int:
        return next(iter(self.integers(tag)), default)

    def blob(self, tag: int) -> bytes | None:
        entry = self.entries.get(tag)
        return None if entry is None else self.data[entry.offset : entry.offset + entry.length]

    def _rational(self, tag: int) -> float:
        entry = self.entries.get(tag)
        if entry is None or entry.kind != _RATIONAL or entry.offset + 8 > len(self.data):
            return 0.0
        above, below = struct.unpack_from(self.order + "II", self.data, entry.offset)
        return above / below if below else 0.0

    @property
    def orientation(self) -> int:
        """1..8; 1 where it is absent or invalid."""
        value = self.integer(ORIENTATION, 1)
        return value if 1 <= value <= 8 else 1

    @property
    def resolution(self) -> tuple[float, float] | None:
        """(x, y) in dots per inch."""
        factor = _DPI_OF_UNIT.get(self.integer(RESOLUTION_UNIT, 2), 0.0)
        return dots_per_inch(
            self._rational(X_RESOLUTION) * factor, self._rational(Y_RESOLUTION) * factor
        )


def exif(block: bytes) -> Directory | None:
    """The directory of an EXIF block, None where it is trash (as viewers do)."""
    try:
        return Directory(block)
    except Damaged:
        return None


def dots_per_inch(x: float, y: float) -> tuple[float, float] | None:
    """A resolution that a device may have, else None."""
    return (x, y) if 1 <= x <= 65535 and 1 <= y <= 65535 else None
