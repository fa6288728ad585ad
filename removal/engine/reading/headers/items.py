"""What the primary picture of a HEIC or AVIF file is made of (ISO/IEC 23008-12).

A picture may be derived from others: a grid of tiles, an overlay, and those of further ones. A
kilobyte of boxes can have a decoder paint gigabytes, so all that a picture draws on is added up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .boxes import MAX_PARTS, Fields, boxes, child, locations, meta_of
from .container import Damaged

MAX_CANVAS = 64_000_000  # pixels of one picture or canvas: outer tiles may reach over the edge
_MAX_PAINTED = 160_000_000  # of all that are decoded or painted: twice a grid and its alpha
_LEAST_PAINTED = 10_000  # that a picture counts for: it costs something however small it is
_MAX_DEPTH = 8
_UNREAD = {b"avc1": "AVC", b"evc1": "EVC", b"j2k1": "JPEG 2000", b"jpeg": "JPEG", b"vvc1": "VVC"}
_CANVASES = {b"grid", b"iovl"}
_Spans = Mapping[bytes, tuple[int, int]]


@dataclass(slots=True)
class _Item:
    kind: bytes = b""
    sources: list[int] = field(default_factory=list)  # of what it is derived
    master: int = 0  # of which it is a thumbnail
    helpers: list[int] = field(default_factory=list)  # its alpha, depth, gain map
    size: tuple[int, int] = (0, 0)
    canvas: int = 0
    nclx: tuple[int, int] | None = None

    @property
    def pixels(self) -> int:
        return max(self.size[0] * self.size[1], self.canvas)


@dataclass(frozen=True, slots=True)
class Primary:
    """`cicp` are its codes of primaries and transfer, or those of the first picture it is made of.
    `is_thumbnail` says that the file names a thumbnail; the rest is then told of its master."""

    cicp: tuple[int, int] | None
    is_thumbnail: bool


def primary(data: bytes) -> Primary:
    """Raises Damaged where it would have a decoder paint too much, or for ever."""
    items, named = _read(data)
    number = _of(items, named).master or named
    item = _of(items, number)
    total = sum(_painted(items, each, ()) for each in (number, *item.helpers))
    if total > _MAX_PAINTED:
        raise Damaged(f"the pictures it is made of have {total:,} pixels in all")
    first = _of(items, item.sources[0]) if item.sources else item
    return Primary(item.nclx or first.nclx, is_thumbnail=number != named)


def _of(items: dict[int, _Item], number: int) -> _Item:
    return items.get(number) or _Item()


def _painted(items: dict[int, _Item], number: int, above: tuple[int, ...]) -> int:
    """Pixels of an item and of all it is made of, each as often as it is drawn. Ends early, once
    they are too many."""
    if number in above or len(above) > _MAX_DEPTH:
        raise Damaged("the pictures it is made of go round in a circle, or too deep")
    item = _of(items, number)
    if item.kind in _UNREAD:
        raise Damaged(f"it is coded as {_UNREAD[item.kind]}, where HEVC and AV1 are supported")
    if item.pixels > MAX_CANVAS:
        raise Damaged(f"a picture it is made of has {item.pixels:,} pixels")
    total = max(item.pixels, _LEAST_PAINTED)
    for source in item.sources:
        total += _painted(items, source, (*above, number))
        if total > _MAX_PAINTED:
            break
    return total


# --- Reading ------------------------------------------------------------------------------------
def _read(data: bytes) -> tuple[dict[int, _Item], int]:
    _, start, end = meta_of(data)
    spans = {kind: (first, last) for kind, first, last in boxes(data, start + 4, end)}
    if not {b"iinf", b"iloc", b"pitm"} <= spans.keys():
        raise Damaged("it holds no still picture")
    items = {number: _Item(kind) for number, kind in _kinds(data, *spans[b"iinf"])}
    if b"iref" in spans:
        _take_references(items, data, *spans[b"iref"])
    if b"iprp" in spans:
        _take_properties(items, data, *spans[b"iprp"])
    _take_canvases(items, data, spans)
    fields = Fields(data, *spans[b"pitm"])
    return items, fields.take(4 if fields.take(4) >> 24 else 2)


def _kinds(data: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    version = Fields(data, start, end).take(4) >> 24
    for _, at, last in boxes(data, start + (8 if version else 6), end):
        fields = Fields(data, at, last)
        version = fields.take(4) >> 24
        if version < 2:
            continue
        number = fields.take(4 if version > 2 else 2)
        fields.take(2)
        yield number, fields.take(4).to_bytes(4, "big")


def _take_references(items: dict[int, _Item], data: bytes, start: int, end: int) -> None:
    wide, left = 4 if Fields(data, start, end).take(4) >> 24 else 2, MAX_PARTS
    for kind, at, last in boxes(data, start + 4, end):
        fields = Fields(data, at, last)
        number = fields.take(wide)
        count = fields.take(2)
        left -= count
        if left < 0:
            raise Damaged("it refers to too many pictures")
        targets = [fields.take(wide) for _ in range(count)]
        if kind == b"dimg" and number in items:
            items[number].sources += targets
        if kind == b"thmb" and number in items and targets:
            items[number].master = targets[0]
        for target in targets if kind == b"auxl" else ():
            if target in items:
                items[target].helpers.append(number)


def _take_properties(items: dict[int, _Item], data: bytes, start: int, end: int) -> None:
    container = child(data, start, end, b"ipco")
    properties = list(boxes(data, *container)) if container else []
    for kind, at, last in boxes(data, start, end):
        for number, index in _associations(Fields(data, at, last)) if kind == b"ipma" else ():
            if number in items and 0 < index <= len(properties):
                _take_property(items[number], data, *properties[index - 1])


def _associations(fields: Fields) -> Iterator[tuple[int, int]]:
    """(item, index of its property from 1 on)."""
    head = fields.take(4)
    wide, size, left = (4 if head >> 24 else 2), (2 if head & 1 else 1), MAX_PARTS
    for _ in range(fields.take(4)):
        number, count = fields.take(wide), fields.take(1)
        left -= count + 1
        if left < 0:
            raise Damaged("its pictures have too many properties")
        for _ in range(count):
            yield number, fields.take(size) & (0x7FFF if size == 2 else 0x7F)


def _take_property(item: _Item, data: bytes, kind: bytes, start: int, end: int) -> None:
    fields = Fields(data, start, end)
    if kind == b"ispe":
        fields.take(4)
        item.size = fields.take(4), fields.take(4)
    elif kind == b"colr" and data[start : start + 4] == b"nclx":
        fields.take(4)
        item.nclx = fields.take(2), fields.take(2)


def _take_canvases(items: dict[int, _Item], data: bytes, spans: _Spans) -> None:
    """The sizes that grids and overlays state in their own few bytes."""
    sources = {0: (0, len(data)), 1: spans.get(b"idat", (0, 0))}
    for number, method, extents in locations(Fields(data, *spans[b"iloc"])):
        item = items.get(number)
        if item is None or item.kind not in _CANVASES or method not in sources or not extents:
            continue
        first, last = sources[method]
        at, length = extents[0]
        item.canvas = _canvas(item.kind, Fields(data, first + at, min(first + at + length, last)))


def _canvas(kind: bytes, fields: Fields) -> int:
    flags = fields.take(2) & 1
    fields.take(2 if kind == b"grid" else 8)  # rows and columns; the fill colour
    side = 4 if flags else 2
    return fields.take(side) * fields.take(side)
