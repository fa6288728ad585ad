"""How large an AVIF's frames really are, whatever its boxes say: the decoder allocates by these.

A file of 3 KB may state 64 x 64 pixels and hold frames of 16,384 x 16,384, which are decoded whole
and then shrunk. Boxes are those of ISO/IEC 14496-12 and 23008-12; frames are found as the AV1
bitstream specification has it, sections 5.3 to 5.5.
"""

from collections.abc import Iterator

from .container import Damaged

_MAX_FRAME = 64_000_000  # pixels; of a grid all tiles together, some of which may reach over
_MAX_FRAMES = 4 * _MAX_FRAME  # of colour, alpha, previews and layers together
_MAX_PARTS = 100_000  # boxes, extents and units of the bitstream, each
_SEQUENCE, _FRAME_HEADER, _FRAME = 1, 3, 6  # types of units


def still(data: bytes) -> bytes:
    """The file as one of a still picture only: of an animation no track is decoded.

    Raises Damaged where the frames of its pictures are larger than any picture that is taken.
    """
    brands, start, end = meta_of(data)
    total = 0
    for stream in streams(data, start, end):
        for pixels in frames(stream):
            total += pixels
            if pixels > _MAX_FRAME or total > _MAX_FRAMES:
                raise Damaged(f"its frames have {total:,} pixels, over what its size allows")
    named = data[:brands].replace(b"avis", b"avif")
    return data if named == data[:brands] else named + data[brands:]


def frames(stream: bytes) -> Iterator[int]:
    """The pixels of each frame in an AV1 bitstream."""
    at, pixels = 0, 0
    for _ in range(_MAX_PARTS):
        if at >= len(stream):
            return
        kind, start, at = _unit(stream, at)
        if kind == _SEQUENCE:
            pixels = _frame_pixels(_Bits(stream[start:at]))
        elif kind in (_FRAME_HEADER, _FRAME):
            yield pixels
    raise Damaged("its pictures are cut into too many parts")


def _unit(stream: bytes, at: int) -> tuple[int, int, int]:
    """(type, start, end) of the unit's content (section 5.3)."""
    head, at = stream[at], at + 1
    at += head >> 2 & 1  # an extension of one byte
    length = len(stream) - at
    if head & 2:
        length, at = _leb128(stream, at)
    if at + length > len(stream):
        raise Damaged("it is cut off inside a picture")
    return head >> 3 & 15, at, at + length


def _leb128(stream: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(stream[at : at + 8]):
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            return value, at + index + 1
    raise Damaged("it is cut off inside a picture")


def _frame_pixels(bits: "_Bits") -> int:
    """Of the largest frame that a sequence header allows (section 5.5.1)."""
    bits.take(4)  # profile, still picture
    if bits.take(1):  # the short header of still pictures
        bits.take(5)
    else:
        _pass_operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return (bits.take(width_bits) + 1) * (bits.take(height_bits) + 1)


def _pass_operating_points(bits: "_Bits") -> None:
    delay_bits = 0  # where there is a model of the decoder
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):
            bits.pass_uvlc()
        if bits.take(1):
            delay_bits = bits.take(5) + 1
            bits.take(42)
    has_display_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:  # level
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if has_display_delay and bits.take(1):
            bits.take(4)


class _Bits:
    """Reads numbers of some bits, the highest first."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data[:2048], "big"), 8 * min(len(data), 2048)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise Damaged("it is cut off inside a picture's header")
        return self._value >> self._left & ((1 << count) - 1)

    def pass_uvlc(self) -> None:
        zeros = 0
        while not self.take(1):
            zeros += 1
        self.take(zeros if zeros < 32 else 0)


# --- Boxes --------------------------------------------------------------------------------------
def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of each box's content."""
    for _ in range(_MAX_PARTS):
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
    raise Damaged(f"it has more than {_MAX_PARTS:,} boxes")


def meta_of(data: bytes) -> tuple[int, int, int]:
    """Where the list of brands, which is first, ends; where `meta` begins and ends. What follows,
    the library does not look at either."""
    brands = 0
    for kind, start, end in _boxes(data, 0, len(data)):
        brands = brands or end
        if kind == b"meta":
            return brands, start, end
    raise Damaged("it holds no still picture")


def streams(data: bytes, start: int, end: int) -> Iterator[bytes]:
    """The bitstream of each picture that a `meta` box tells of."""
    boxes = {kind: (first, last) for kind, first, last in _boxes(data, start + 4, end)}
    if not {b"iinf", b"iloc"} <= boxes.keys():
        raise Damaged("it holds no still picture")
    pictures = _picture_ids(data, *boxes[b"iinf"])
    sources = {0: (0, len(data)), 1: boxes.get(b"idat", (0, 0))}
    left = 2 * len(data)
    for item, method, extents in _locations(_Fields(data, *boxes[b"iloc"])):
        if item not in pictures:
            continue
        first, last = sources.get(method, (0, 0))
        parts = [data[first + at : min(first + at + (size or last), last)] for at, size in extents]
        left -= sum(map(len, parts))
        if left < 0:
            raise Damaged("its pictures claim more bytes than the file has")
        yield b"".join(parts)


def cicp(data: bytes) -> tuple[int, int] | None:
    """The first picture's codes of primaries and transfer, where they are told."""
    _, start, end = meta_of(data)
    within = _child(data, start + 4, end, b"iprp")
    within = within and _child(data, *within, b"ipco")
    for kind, first, last in _boxes(data, *within) if within else ():
        if kind == b"colr" and data[first : first + 4] == b"nclx":
            fields = _Fields(data, first + 4, last)
            return fields.take(2), fields.take(2)
    return None


def _child(data: bytes, start: int, end: int, name: bytes) -> tuple[int, int] | None:
    return next((box[1:] for box in _boxes(data, start, end) if box[0] == name), None)


def _picture_ids(data: bytes, start: int, end: int) -> set[int]:
    version = _Fields(data, start, end).take(4) >> 24
    first = start + (8 if version else 6)
    found = set()
    for kind, at, last in _boxes(data, first, end):
        fields = _Fields(data, at, last)
        version = fields.take(4) >> 24
        item = fields.take(4 if version > 2 else 2)
        fields.take(2)
        if kind == b"infe" and fields.take(4) == int.from_bytes(b"av01", "big"):
            found.add(item)
    return found


def _locations(fields: "_Fields") -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """(item, method, its extents as offset and length) of each row of `iloc`."""
    version = fields.take(4) >> 24
    sizes = fields.take(2)
    offset_size, length_size, base_size, index_size = (
        sizes >> shift & 15 for shift in (12, 8, 4, 0)
    )
    wide, count_left = 4 if version > 1 else 2, _MAX_PARTS
    for _ in range(fields.take(wide)):
        item = fields.take(wide)
        method = fields.take(2) & 15 if version else 0
        fields.take(2)
        base, count = fields.take(base_size), fields.take(2)
        count_left -= count
        if count_left < 0:
            raise Damaged("its pictures are cut into too many parts")
        extents = []
        for _ in range(count):
            fields.take(index_size if version else 0)
            extents.append((base + fields.take(offset_size), fields.take(length_size)))
        yield item, method, extents


class _Fields:
    """Reads numbers of some bytes, within a box."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data, self._at, self._end = data, start, end

    def take(self, size: int) -> int:
        at, self._at = self._at, self._at + size
        if self._at > self._end:
            raise Damaged("its list of pictures is cut off")
        return int.from_bytes(self._data[at : self._at], "big")
