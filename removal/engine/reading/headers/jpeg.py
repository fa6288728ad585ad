"""JPEG's segments up to the first scan: size, EXIF, ICC profile; a bound on the scans."""

import re
import struct
from dataclasses import dataclass, field

from .container import Container, Damaged
from .tags import Directory, dots_per_inch, exif

_MAX_SEGMENTS = 5_000  # 64 KiB each: more than any upload holds; tiny ones would only burn time
# Encoders write 10 scans or so. Each costs a pass over all coefficients, if only a few bytes.
_MAX_SCANS = 100
_MAX_SCANNED_PIXELS = 1_000_000_000  # 2 to 3 s of one core
_EOI, _SOS = 0xD9, 0xDA
_APP0, _APP1, _APP2, _APP14, _APP15, _COM = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # SOFn, without DHT, JPG, DAC
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_STANDALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a body
_NEXT_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)  # after any fill bytes
_EXIF, _ICC, _JFIF = b"Exif\0\0", b"ICC_PROFILE\0", b"JFIF\0"


@dataclass(slots=True)
class _Head:
    """What the segments before the first scan told; `kept` are those that decoding needs."""

    kept: list[bytes] = field(default_factory=lambda: [b"\xff\xd8"])
    frame: tuple[int, bytes] | None = None
    jfif: bytes = b""
    exif: Directory | None = None
    icc: dict[int, bytes] = field(default_factory=dict)


def read(data: bytes) -> Container:
    head, scan = _head(data)
    if head.frame is None or len(head.frame[1]) < 6:
        raise Damaged("it has no frame header")
    marker, frame = head.frame
    precision, height, width, components = struct.unpack_from(">BHHB", frame)
    if precision != 8:
        raise Damaged(f"it has {precision} bits per sample, where 8 are supported")
    scans = [_body(data, scan + 2)[0]]
    if marker in _PROGRESSIVE or scans[0][:1] < bytes([components]):
        most = min(_MAX_SCANS, _MAX_SCANNED_PIXELS // max(1, width * height))
        scans += _further_scans(data, scan + 4 + len(scans[0]), most - 1)
    cut_off = data.find(b"\xff\xd9", scan) < 0
    if cut_off and not _all_sent(scans, frame):
        raise Damaged("it is cut off before its last scan")
    end = b"" if data.endswith(b"\xff\xd9") else b"\xff\xd9"
    orientation = head.exif.orientation if head.exif else 1
    return Container(
        "JPEG",
        (width, height),
        b"".join((*head.kept, memoryview(data)[scan:], end)),
        exif_orientation=orientation,
        orientation=orientation,
        resolution=_resolution(head),
        profile=b"".join(part for _, part in sorted(head.icc.items())) or None,
        cut_off=cut_off,
    )


def _head(data: bytes) -> tuple[_Head, int]:
    """The head, and where the first start-of-scan marker lies."""
    head, at = _Head(), 2
    for _ in range(_MAX_SEGMENTS):
        marker, at = _marker(data, at)
        if marker == _SOS:
            if at + 4 > len(data):
                break
            return head, at - 2
        if marker == _EOI:
            break
        if marker in _STANDALONE:
            continue
        body, at = _body(data, at)
        _take(head, marker, body)
    raise Damaged("it ends, or is filled with metadata, before any picture data")


def _marker(data: bytes, at: int) -> tuple[int, int]:
    found = _NEXT_MARKER.search(data, at)
    if found is None:
        raise Damaged("it is cut off before its picture data")
    return found[1][0], found.end()


def _body(data: bytes, at: int) -> tuple[bytes, int]:
    length = int.from_bytes(data[at : at + 2], "big")
    if length < 2 or at + length > len(data):
        raise Damaged("it is cut off inside its header")
    return data[at + 2 : at + length], at + length


def _take(head: _Head, marker: int, body: bytes) -> None:
    if marker in _FRAMES:
        if head.frame is not None:
            raise Damaged("it has more than one frame header")
        head.frame = marker, body
    if marker == _APP0 and body.startswith(_JFIF):
        head.jfif = body
    elif marker == _APP1 and body.startswith(_EXIF):
        head.exif = head.exif or exif(body[len(_EXIF) :])
    elif marker == _APP2 and body.startswith(_ICC) and len(body) > len(_ICC) + 2:
        head.icc[body[len(_ICC)]] = body[len(_ICC) + 2 :]
    colour_hint = marker == _APP14 or (marker == _APP0 and body is head.jfif)
    if colour_hint or not (_APP0 <= marker <= _APP15 or marker == _COM):
        head.kept.append(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body)


def _further_scans(data: bytes, at: int, most: int) -> list[bytes]:
    """The heads of the scans after the first, whose entropy-coded data begin at `at`."""
    segments, scans = 0, list[bytes]()
    while found := _NEXT_MARKER.search(data, at):
        marker, at = found[1][0], found.end()
        if marker == _EOI:
            break
        length = int.from_bytes(data[at : at + 2], "big")
        if marker == _SOS:
            scans.append(data[at + 2 : at + length])
        segments += 1
        if len(scans) > most or segments > _MAX_SEGMENTS:
            raise Damaged(f"it has more than {most + 1} scans")
        at += length
    return scans


def _all_sent(scans: list[bytes], frame: bytes) -> bool:
    """Whether each coefficient of each component came, to its last bit."""
    sent = dict.fromkeys(frame[6::3], 0)
    for scan in scans:
        if len(scan) < 6 or scan[-1] & 15:  # the bits that are still to come
            continue
        first, last = scan[-3], min(scan[-2], 63)
        for component in scan[1:-3:2]:
            sent[component] = sent.get(component, 0) | (2 << last) - (1 << min(first, 63))
    return all(coefficients == (1 << 64) - 1 for coefficients in sent.values())


def ends_in_refinement(payload: bytes) -> bool:
    """Whether the last scan adds one bit to coefficients that are there: of a file that is cut off
    inside it, only the finest shades are lost."""
    _, scan = _head(payload)
    first = _body(payload, scan + 2)[0]
    further = _further_scans(payload, scan + 4 + len(first), _MAX_SCANS)
    return bool(further) and further[-1][-1] >> 4 > 0


def before_last_row(payload: bytes) -> bytes | None:
    """The file as one of a picture that ends before its last row of blocks; None where it has only
    one, or comes in several scans."""
    head, scan = _head(payload)
    if head.frame is None or head.frame[0] in _PROGRESSIVE:
        return None
    frame = head.frame[1]
    rows = 8 * max(sampling & 15 for sampling in frame[7::3])
    height = (int.from_bytes(frame[1:3], "big") - 1) // max(rows, 8) * max(rows, 8)
    if height < 1 or payload[scan + 4] < frame[5]:
        return None
    return payload.replace(frame, frame[:1] + height.to_bytes(2, "big") + frame[3:], 1)


def _resolution(head: _Head) -> tuple[float, float] | None:
    if len(head.jfif) >= 12:
        unit, x, y = struct.unpack_from(">BHH", head.jfif, 7)
        if unit in (1, 2):  # per inch, per centimetre
            factor = 1.0 if unit == 1 else 2.54
            return dots_per_inch(x * factor, y * factor)
    return head.exif.resolution if head.exif else None
