"""The boxes of ISO files (ISO/IEC 14496-12), which HEIC and AVIF are made of: bounded walks."""

from collections.abc import Iterator

from .container import Damaged

MAX_PARTS = 100_000  # boxes, extents and units of a bitstream, each


def boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of each box's content."""
    for _ in range(MAX_PARTS):
        if at + 8 > end:
            return
        length, kind, start = (
            int.from_bytes(data[at : at + 4], "big"),
            data[at + 4 : at + 8],
            at + 8,
        )
        if length == 1:
            length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        stop = at + length if length else end
        if not start <= stop <= end:
            raise Damaged("it is cut off")
        yield kind, start, stop
        at = stop
    raise Damaged(f"it has more than {MAX_PARTS:,} boxes")


def meta_of(data: bytes) -> tuple[int, int, int]:
    """Where the list of brands, which is first, ends; where `meta` begins and ends. What follows,
    the library does not look at either."""
    brands = 0
    for kind, start, end in boxes(data, 0, len(data)):
        brands = brands or end
        if kind == b"meta":
            return brands, start, end
    raise Damaged("it holds no still picture")


def child(data: bytes, start: int, end: int, name: bytes) -> tuple[int, int] | None:
    return next((box[1:] for box in boxes(data, start, end) if box[0] == name), None)


def locations(fields: "Fields") -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """(item, method, its extents as offset and length) of each row of `iloc`."""
    version = fields.take(4) >> 24
    sizes = fields.take(2)
    offset_size, length_size, base_size, index_size = (
        sizes >> shift & 15 for shift in (12, 8, 4, 0)
    )
    wide, count_left = 4 if version > 1 else 2, MAX_PARTS
    for _ in range(fields.take(wide)):
        item = fields.take(wide)
        method = fields.take(2) & 15 if version else 0
        fields.take(2)
        base, count = fields.take(base_size), fields.take(2)
        count_left -= count + 1
        if count_left < 0:
            raise Damaged("its pictures are cut into too many parts")
        extents = []
        for _ in range(count):
            fields.take(index_size if version else 0)
            extents.append((base + fields.take(offset_size), fields.take(length_size)))
        yield item, method, extents


class Fields:
    """Reads numbers of some bytes, within a box."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data, self._at, self._end = data, start, end

    def take(self, size: int) -> int:
        at, self._at = self._at, self._at + size
        if self._at > self._end:
            raise Damaged("its list of pictures is cut off")
        return int.from_bytes(self._data[at : self._at], "big")
