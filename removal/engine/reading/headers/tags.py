"""TIFF's tag directories, which EXIF shares: read one by one, lazily and bounded.

What writers get wrong costs no more than the tag that is wrong: of a directory that is cut off or
counts too many entries those are kept that are there, and of a tag that comes twice the first.
"""

import struct
from dataclasses import dataclass

from .container import Damaged

MAX_ENTRIES = 1000  # real files hold some dozens

ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 274, 282, 283, 296
_TYPE_BYTES = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
    16: 8, 17: 8, 18: 8,
}  # fmt: skip
_INTEGERS = {
    1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q",
}  # fmt: skip
_RATIONAL = 5
_DPI_OF_UNIT = {2: 1.0, 3: 2.54}  # inch, centimetre
_MAX_VALUES = 16  # of one tag, unless more are asked for


@dataclass(frozen=True, slots=True)
class _Form:
    """How a file writes its directories. `word` is the type of offsets, `inline` the bytes of
    values that fit into an entry."""

    order: str
    word: str
    count: str
    first: int  # where the first directory's offset lies

    @property
    def inline(self) -> int:
        return struct.calcsize(self.word)

    @property
    def entry(self) -> int:
        return 4 + 2 * self.inline


# Classic TIFF and BigTIFF, whose header goes on: 8 bytes an offset, nothing.
_FORMS = {
    b"II*\0": _Form("<", "I", "H", 4),
    b"MM\0*": _Form(">", "I", "H", 4),
    b"II+\0\x08\0\0\0": _Form("<", "Q", "Q", 8),
    b"MM\0+\0\x08\0\0": _Form(">", "Q", "Q", 8),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """`offset` is where the values lie."""

    kind: int
    count: int
    offset: int

    @property
    def length(self) -> int:
        return _TYPE_BYTES.get(self.kind, 0) * self.count


class Directory:
    """The tags of a block of TIFF structure, of its first directory or of the one at `start`.

    Raises Damaged where there is none.
    """

    def __init__(self, data: bytes, start: int | None = None) -> None:
        form = _FORMS.get(data[:4]) or _FORMS.get(data[:8])
        if form is None:
            raise Damaged("its header is not TIFF")
        self.data, self.order, self._form = data, form.order, form
        self.entries: dict[int, Entry] = {}
        self.following = 0  # where the next directory lies; 0 where there is none
        try:
            self._read(self._number(form.word, form.first) if start is None else start)
        except struct.error as error:
            raise Damaged("its tag directory is cut off") from error

    def _number(self, kind: str, at: int) -> int:
        return int(struct.unpack_from(self.order + kind, self.data, at)[0])

    def _read(self, start: int) -> None:
        if start >= len(self.data):
            raise Damaged("its tag directory is cut off")
        count = self._number(self._form.count, start)
        at = start + struct.calcsize(self._form.count)
        for index in range(min(count, MAX_ENTRIES)):
            if not self._take(at + index * self._form.entry):
                return
        end = at + count * self._form.entry
        if end + self._form.inline <= len(self.data):
            self.following = self._number(self._form.word, end)

    def _take(self, at: int) -> bool:
        """Record the entry at `at`. Returns whether there is one."""
        value = at + 4 + self._form.inline
        if value >= len(self.data):
            return False
        tag, kind = struct.unpack_from(self.order + "HH", self.data, at)
        count = self._number(self._form.word, at + 4)
        if _TYPE_BYTES.get(kind, 0) * count > self._form.inline:
            if value + self._form.inline > len(self.data):
                return False
            value = self._number(self._form.word, value)
        self.entries.setdefault(tag, Entry(kind, count, value))
        return True

    def integers(self, tag: int, most: int = _MAX_VALUES) -> tuple[int, ...]:
        """The tag's first values; empty where it is absent or not of an integer type."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in _INTEGERS:
            return ()
        layout = f"{self.order}{min(entry.count, most)}{_INTEGERS[entry.kind]}"
        if entry.offset + struct.calcsize(layout) > len(self.data):
            return ()
        return struct.unpack_from(layout, self.data, entry.offset)

    def integer(self, tag: int, default: int) -> int:
        return next(iter(self.integers(tag)), default)

    def blob(self, tag: int) -> bytes | None:
        entry = self.entries.get(tag)
        return None if entry is None else self.data[entry.offset : entry.offset + entry.length]

    def rationals(self, tag: int, most: int = _MAX_VALUES) -> tuple[float, ...]:
        """The tag's first values; empty where it is absent or of another type."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind != _RATIONAL:
            return ()
        count = min(entry.count, most)
        if entry.offset + 8 * count > len(self.data):
            return ()
        words = struct.unpack_from(f"{self.order}{2 * count}I", self.data, entry.offset)
        return tuple(
            above / below if below else 0.0
            for above, below in zip(words[::2], words[1::2], strict=True)
        )

    @property
    def orientation(self) -> int:
        """1..8; 1 where it is absent or invalid."""
        value = self.integer(ORIENTATION, 1)
        return value if 1 <= value <= 8 else 1

    @property
    def resolution(self) -> tuple[float, float] | None:
        """(x, y) in dots per inch."""
        factor = _DPI_OF_UNIT.get(self.integer(RESOLUTION_UNIT, 2), 0.0)
        x, y = (next(iter(self.rationals(tag, 1)), 0.0) for tag in (X_RESOLUTION, Y_RESOLUTION))
        return dots_per_inch(x * factor, y * factor)


def exif(block: bytes) -> Directory | None:
    """The directory of an EXIF block, None where it is unusable, as viewers ignore it, too."""
    try:
        return Directory(block)
    except Damaged:
        return None


def dots_per_inch(x: float, y: float) -> tuple[float, float] | None:
    """A resolution that a device may have, else None."""
    return (x, y) if 1 <= x <= 65535 and 1 <= y <= 65535 else None
