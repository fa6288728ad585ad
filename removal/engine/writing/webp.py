"""WebP with alpha, from a lossy colour part by Pillow and an alpha part of our own.

libwebp compresses alpha by a search that takes, at 25 megapixels, four times as long as the colours
and some 350 MiB. A matte is mostly flat, so run lengths of the filtered plane do: see `_alpha`. The
file is put together from the two by the container's rules.

Formats: RFC 9649, sections 2.7 (container, alpha filters) and 3 (lossless image streams).
"""

import heapq
import io
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import threads
from ..arrays import Pixels
from ..tiles import for_each

Numbers: TypeAlias = NDArray[Any]

_EFFORT = 1  # of 0..6: the library's default, 4, takes up to 1.6 x the time to save 6 to 10 %
_BAND_PIXELS = 1 << 21  # of alpha, worked on at a time
_COVERED_PIXELS = 1 << 18  # of colours, on each thread
_BLOCK = 16  # pixels: what the colour part is coded by
_LITERALS, _SYMBOLS = 256, 280  # values, then prefixes of lengths
_MOST_COPIED = 4096  # pixels by one length
_LONGEST_CODE = 15  # bits
_GRADIENT = 3  # the filter: see _filtered
_LENGTH_CODE_ORDER = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)


def encode(rgb: Pixels, alpha: Pixels | None, quality: int, profile: bytes) -> bytes:
    """A lossy WebP file; its alpha is exact.

    rgb: uint8 (h, w, 3), straight. alpha: uint8 (h, w), None for an opaque picture. Sides of at
    most 16,383 pixels. quality: 1..100. profile: ICC. Colours where alpha is 0 are not kept.
    """
    if alpha is None:
        return _colours(rgb, quality, icc_profile=profile)
    height, width = alpha.shape
    flags = 0x20 | 0x10  # there are a profile and alpha
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    covered = _covered(rgb, alpha)
    with ThreadPoolExecutor(threads.count()) as pool:  # the colours take one, as long as both
        whole, plane = pool.submit(_colours, covered, quality), pool.submit(_alpha, alpha)
    (colours,) = (body for name, body in _chunks(whole.result()) if name == b"VP8 ")
    content = b"".join((
        b"WEBP",
        _chunk(b"VP8X", struct.pack("<I", flags) + sides),
        _chunk(b"ICCP", profile),
        _chunk(b"ALPH", bytes([_GRADIENT << 2 | 1]) + plane.result()),
        _chunk(b"VP8 ", colours),
    ))  # fmt: skip
    return b"RIFF" + struct.pack("<I", len(content)) + content


def _colours(rgb: Pixels, quality: int, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "WEBP", quality=quality, method=_EFFORT, **options)
    return buffer.getvalue()


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _chunks(file: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = 12
    while start < len(file):
        name, length = struct.unpack_from("<4sI", file, start)
        yield name, file[start + 8 : start + 8 + length]
        start += 8 + length + length % 2


# --- Colours ------------------------------------------------------------------------------------
def _covered(rgb: Pixels, alpha: Pixels) -> Pixels:
    """The colours with a block's visible mean wherever nothing shows, black in empty blocks: no
    trace of the background, and no edge that would bleed into what is visible."""
    covered = np.empty_like(rgb)
    rows = max(_COVERED_PIXELS // rgb.shape[1] // _BLOCK, 1) * _BLOCK

    def cover(top: int) -> None:
        band = slice(top, top + rows)
        covered[band] = _covered_band(rgb[band], alpha[band])

    for_each(range(0, rgb.shape[0], rows), cover)
    return covered


def _covered_band(rgb: Pixels, alpha: Pixels) -> Pixels:
    height, width = alpha.shape
    shown = np.not_equal(alpha, 0).view(np.uint8) * np.uint8(255)
    covered = cv2.bitwise_and(rgb, rgb, mask=shown)
    blocks = (-(-width // _BLOCK), -(-height // _BLOCK))
    below, right = blocks[1] * _BLOCK - height, blocks[0] * _BLOCK - width
    whole = cv2.copyMakeBorder(covered, 0, below, 0, right, cv2.BORDER_CONSTANT)
    mask = cv2.copyMakeBorder(shown, 0, below, 0, right, cv2.BORDER_CONSTANT)
    sums = cv2.resize(whole, blocks, interpolation=cv2.INTER_AREA).astype(np.float32)
    shares = cv2.resize(mask, blocks, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    means = np.minimum(sums / np.maximum(shares, 1 / 512)[..., None], 255).astype(np.uint8)
    spread = cv2.resize(means, None, fx=_BLOCK, fy=_BLOCK, interpolation=cv2.INTER_NEAREST)
    cv2.copyTo(np.ascontiguousarray(spread[:height, :width]), ~shown, covered)
    return covered  # type: ignore[return-value]


# --- Alpha --------------------------------------------------------------------------------------
def _alpha(alpha: Pixels) -> bytes:
    """The plane as a lossless image stream: values of a Huffman code, and zeros that repeat."""
    bands = [_tokens(band) for band in _filtered(alpha)]
    counts = sum(np.bincount(symbols, minlength=_SYMBOLS) for symbols, _ in bands)
    lengths = _code_lengths(np.asarray(counts))
    codes = _codes(lengths)
    bits = _Bits()
    _write_header(bits, lengths)
    for symbols, extras in bands:
        sizes = lengths[symbols]
        values = codes[symbols] | extras.astype(np.uint64) << sizes.astype(np.uint64)
        bits.write(values, sizes + _EXTRA_BITS[symbols])
    return bits.finish()


def _filtered(alpha: Pixels) -> Iterator[Pixels]:
    """Bands of the plane, flat, each pixel less what left + above - above left foretell."""
    rows = max(_BAND_PIXELS // alpha.shape[1], 1)
    for top in range(0, alpha.shape[0], rows):
        band = alpha[top : top + rows].astype(np.int16)
        above = np.zeros_like(band)
        above[1:] = band[:-1]
        if top:
            above[0] = alpha[top - 1]
        foretold = above.copy()
        foretold[:, 1:] += band[:, :-1] - above[:, :-1]
        yield (band - np.clip(foretold, 0, 255)).astype(np.uint8).ravel()


def _tokens(values: Pixels) -> tuple[Numbers, Numbers]:
    """(symbols, extra bits' values) of one band.

    From four zeros on, a run is a literal zero and copies of the pixel to the left.
    """
    places = np.append(np.flatnonzero(values), len(values))
    zeros = np.diff(places, prepend=-1) - 1  # before each value that is none, and before the end
    runs = zeros >= 4
    whole, rest = np.divmod(np.where(runs, zeros - 1, 0), _MOST_COPIED)
    copies = whole + (rest > 0)
    tokens = np.where(runs, 1 + copies, zeros) + 1  # the value itself comes last
    ends = np.cumsum(tokens)
    symbols, extras = np.zeros(ends[-1] - 1, np.uint16), np.zeros(ends[-1] - 1, np.uint16)
    symbols[ends[:-1] - 1] = values[places[:-1]]
    last = ends[rest > 0] - 2
    symbols[last], extras[last] = _PREFIX[rest[rest > 0]], _EXTRA[rest[rest > 0]]
    firsts = (ends - tokens + 1)[whole > 0]  # of the copies that are as long as can be
    many = whole[whole > 0]
    inside = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    longest = np.repeat(firsts, many) + inside
    symbols[longest], extras[longest] = _PREFIX[_MOST_COPIED], _EXTRA[_MOST_COPIED]
    return symbols, extras


def _length_tables() -> tuple[Numbers, Numbers, Numbers]:
    """For lengths up to 4,096: symbol and value of the extra bits; for symbols: their number."""
    prefix, extra = np.zeros(_MOST_COPIED + 1, np.uint16), np.zeros(_MOST_COPIED + 1, np.uint16)
    extra_bits = np.zeros(_SYMBOLS, np.uint8)
    for length in range(1, _MOST_COPIED + 1):
        number, spare = length - 1, 0
        if length > 4:
            high = (length - 1).bit_length() - 1
            spare = high - 1
            number = 2 * high + ((length - 1) >> spare & 1)
        prefix[length] = _LITERALS + number
        extra[length] = (length - 1) & ((1 << spare) - 1)
        extra_bits[_LITERALS + number] = spare
    return prefix, extra, extra_bits


_PREFIX, _EXTRA, _EXTRA_BITS = _length_tables()


def _code_lengths(counts: Numbers) -> Numbers:
    """Bits of each symbol in a Huffman code of at most 15; 0 for those that do not occur."""
    counts = counts.copy()
    counts[:2] = np.maximum(counts[:2], 1)  # a code has two symbols at least
    while True:
        lengths = _huffman(counts)
        if lengths.max() <= _LONGEST_CODE:
            return lengths
        counts = np.where(counts > 0, counts // 2 + 1, 0)  # evens out the rare ones


def _huffman(counts: Numbers) -> Numbers:
    lengths = np.zeros(len(counts), np.uint8)
    heap = [(int(counts[symbol]), int(symbol), [symbol]) for symbol in np.flatnonzero(counts)]
    heapq.heapify(heap)
    while len(heap) > 1:
        (one, first, below), (other, _, also) = heapq.heappop(heap), heapq.heappop(heap)
        members = below + also
        lengths[members] += 1
        heapq.heappush(heap, (one + other, first, members))
    return lengths


def _codes(lengths: Numbers) -> Numbers:
    """Canonical codes as uint64, the bit that is read first lowest."""
    codes = np.zeros(len(lengths), np.uint64)
    code, before = 0, 0
    for symbol in sorted(np.flatnonzero(lengths), key=lambda symbol: (lengths[symbol], symbol)):
        length = int(lengths[symbol])
        code <<= length - before
        codes[symbol] = int(f"{code:0{length}b}"[::-1], 2)
        code, before = code + 1, length
    return codes


def _write_header(bits: "_Bits", lengths: Numbers) -> None:
    """No transform, no colour cache, one set of codes: green (which is alpha), three that are
    always 0, and a distance that is always 1, "the pixel to the left"."""
    four_bits = [0 if symbol > _LONGEST_CODE else 4 for symbol in _LENGTH_CODE_ORDER]
    fields = [(0, 1), (0, 1), (0, 1)]
    fields += [(0, 1), (len(_LENGTH_CODE_ORDER) - 4, 4), *((size, 3) for size in four_bits), (0, 1)]
    fields += [(int(f"{length:04b}"[::-1], 2), 4) for length in lengths]
    fields += 3 * [(0b0001, 4)] + [(0b1001, 4)]  # simple, one symbol, of one bit: 0; 1
    values, sizes = zip(*fields, strict=True)
    bits.write(np.array(values, np.uint64), np.array(sizes, np.uint8))


class _Bits:
    """A stream of bits, the lowest of each byte first."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._rest, self._used = 0, 0  # bits of a word of 32 that is not full yet

    def write(self, values: Numbers, sizes: Numbers) -> None:
        """values: uint64 of at most 32 bits each, as many as `sizes` says."""
        ends = np.cumsum(sizes, dtype=np.int64) + self._used
        starts = ends - sizes
        shifted = values << (starts & 31).astype(np.uint64)
        words = starts >> 5
        full, self._used = divmod(int(ends[-1]), 32)
        low = np.bincount(words, (shifted & 0xFFFFFFFF).astype(np.float64), full + 2)
        high = np.bincount(words + 1, (shifted >> np.uint64(32)).astype(np.float64), full + 2)
        joined = (low + high).astype(np.uint64)  # no two set the same bit, so sums are exact
        joined[0] |= np.uint64(self._rest)
        self._parts.append(joined[:full].astype("<u4").tobytes())
        self._rest = int(joined[full])

    def finish(self) -> bytes:
        return b"".join((*self._parts, self._rest.to_bytes(4, "little")[: -(-self._used // 8)]))
