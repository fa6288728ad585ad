"""How large an AVIF's frames really are, whatever its boxes say: the decoder allocates by these.

A file of 3 KB may state 64 x 64 pixels and hold frames of 16,384 x 16,384, which are decoded whole
and then shrunk. Boxes are those of ISO/IEC 14496-12 and 23008-12; frames are found as the AV1
bitstream specification has it, sections 5.3 to 5.5.
"""

from collections.abc import Iterator

from .boxes import MAX_PARTS, Fields, boxes, locations, meta_of
from .container import Damaged

_MAX_FRAME = 64_000_000  # pixels; of a grid all tiles together, some of which may reach over
_MAX_FRAMES = 4 * _MAX_FRAME  # of colour, alpha, previews and layers together
_SHARED_BYTES = 1 << 20  # small files may use a tile more than once
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
    for _ in range(MAX_PARTS):
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


def streams(data: bytes, start: int, end: int) -> Iterator[bytes]:
    """The bitstream of each picture that a `meta` box tells of."""
    found = {kind: (first, last) for kind, first, last in boxes(data, start + 4, end)}
    if not {b"iinf", b"iloc"} <= found.keys():
        raise Damaged("it holds no still picture")
    pictures = _picture_ids(data, *found[b"iinf"])
    sources = {0: (0, len(data)), 1: found.get(b"idat", (0, 0))}
    left = 2 * len(data) + _SHARED_BYTES
    for item, method, extents in locations(Fields(data, *found[b"iloc"])):
        if item not in pictures:
            continue
        first, last = sources.get(method, (0, 0))
        parts = [data[first + at : min(first + at + (size or last), last)] for at, size in extents]
        left -= sum(map(len, parts))
        if left < 0:
            raise Damaged("its pictures claim more bytes than the file has")
        yield b"".join(parts)


def _picture_ids(data: bytes, start: int, end: int) -> set[int]:
    version = Fields(data, start, end).take(4) >> 24
    first = start + (8 if version else 6)
    found = set()
    for kind, at, last in boxes(data, first, end):
        fields = Fields(data, at, last)
        version = fields.take(4) >> 24
        item = fields.take(4 if version > 2 else 2)
        fields.take(2)
        if kind == b"infe" and fields.take(4) == int.from_bytes(b"av01", "big"):
            found.add(item)
    return found
