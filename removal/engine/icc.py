"""Rebuilds ICC profiles from the few tags that a conversion to sRGB needs.

A colour engine runs whatever a profile holds, and parts may share their bytes: 60,000 stages of a
floating-point table (D2B0) take minutes. So the engine never sees a stranger's profile, but one of
ours: one table with a bounded grid, or three curves and colorants, or a curve of greys. Layouts are
those of ICC.1:2022.
"""

import struct
from collections.abc import Iterator
from itertools import accumulate
from math import prod

MAX_BYTES = 1 << 20  # of a rebuilt profile, elements that share their bytes counted apart

_CHANNELS = {b"GRAY": 1, b"RGB ": 3, b"CMYK": 4}
_CLASSES = {b"scnr", b"mntr", b"prtr", b"spac"}  # of devices; links, effects are not used
_CONNECTIONS = {b"XYZ ", b"Lab "}
_HEADER = struct.Struct(">8x4s4s4s4s12x4s")
_MAX_TAGS = 100  # Little CMS reads no more
_MAX_CURVE = 0x7FFF  # points, likewise
_PARAMETERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}  # of a parametric curve, by its function
_D50 = struct.pack(">3i", 63190, 65536, 54061)

_COLORANTS = (b"rXYZ", b"gXYZ", b"bXYZ")
_CURVES = (b"rTRC", b"gTRC", b"bTRC")


class _Unusable(Exception):
    """The profile has no table or curves that we convert by."""


def rebuilt(profile: bytes) -> bytes | None:
    """A profile that converts to sRGB as `profile` does by its perceptual table, else by its curves
    and colorants; None where it has neither, or is broken, or is larger than MAX_BYTES so."""
    try:
        version, kind, space, connection, magic = _HEADER.unpack_from(profile)
        known = kind in _CLASSES and space in _CHANNELS and connection in _CONNECTIONS
        if not known or magic != b"acsp":
            return None
        tags = _needed(profile, _CHANNELS[space])
    except (_Unusable, struct.error):
        return None
    head = struct.pack(">4x4x4s4s4s4s12x4s28x12s48x", version, kind, space, connection, magic, _D50)
    return _assembled(head, tags)


def cicp(profile: bytes) -> tuple[int, int] | None:
    """The codes of primaries and transfer (ITU-T H.273) that a profile's `cicp` tag names."""
    try:
        at = _tags(profile).get(b"cicp")
        if at is None or profile[at : at + 4] != b"cicp":
            return None
        return struct.unpack_from(">BB", profile, at + 8)
    except (_Unusable, struct.error):
        return None


def _needed(profile: bytes, channels: int) -> dict[bytes, bytes]:
    tags = _tags(profile)
    if b"A2B0" in tags:
        return {b"A2B0": _table(profile, tags[b"A2B0"], channels)}
    if channels == 1:
        return {b"kTRC": _curve(profile, _at(tags, b"kTRC"))}
    if channels != 3:
        raise _Unusable
    colorants = {name: _colorant(profile, _at(tags, name)) for name in _COLORANTS}
    return colorants | {name: _curve(profile, _at(tags, name)) for name in _CURVES}


def _tags(profile: bytes) -> dict[bytes, int]:
    """The offset of each tag. The lengths in the list are ignored: elements state their own."""
    (count,) = struct.unpack_from(">I", profile, 128)
    if count > _MAX_TAGS:
        raise _Unusable
    rows = (struct.unpack_from(">4sI", profile, 132 + 12 * index) for index in range(count))
    tags: dict[bytes, int] = {}
    for name, at in rows:
        tags.setdefault(name, at)
    return tags


def _at(tags: dict[bytes, int], name: bytes) -> int:
    if name not in tags:
        raise _Unusable
    return tags[name]


def _cut(profile: bytes, at: int, length: int) -> bytes:
    if length > MAX_BYTES or at + length > len(profile):
        raise _Unusable
    return profile[at : at + length]


def _colorant(profile: bytes, at: int) -> bytes:
    element = _cut(profile, at, 20)
    if not element.startswith(b"XYZ "):
        raise _Unusable
    return element


def _curve(profile: bytes, at: int) -> bytes:
    kind, count, function = struct.unpack_from(">4s4xI", profile, at) + struct.unpack_from(
        ">H", profile, at + 8
    )
    if kind == b"curv" and count <= _MAX_CURVE:
        return _cut(profile, at, 12 + 2 * count)
    if kind == b"para" and function in _PARAMETERS:
        return _cut(profile, at, 12 + 4 * _PARAMETERS[function])
    raise _Unusable


# --- Tables -------------------------------------------------------------------------------------
def _table(profile: bytes, at: int, channels: int) -> bytes:
    """The table of a device's `channels` numbers to 3 of the connection space."""
    kind, inputs, outputs, grid = struct.unpack_from(">4s4xBBB", profile, at)
    if kind not in _TABLES or (inputs, outputs) != (channels, 3):
        raise _Unusable
    return _TABLES[kind](profile, at, inputs, grid)


def _lut8(profile: bytes, at: int, inputs: int, grid: int) -> bytes:
    return _cut(profile, at, 48 + 256 * inputs + 3 * grid**inputs + 256 * 3)


def _lut16(profile: bytes, at: int, inputs: int, grid: int) -> bytes:
    points, out_points = struct.unpack_from(">HH", profile, at + 48)
    if max(points, out_points) > _MAX_CURVE:
        raise _Unusable
    return _cut(profile, at, 52 + 2 * (points * inputs + 3 * grid**inputs + out_points * 3))


def _lut_a_to_b(profile: bytes, at: int, inputs: int, grid: int) -> bytes:
    """A new element with each of the five stages once, one after another."""
    found = struct.unpack_from(">5I", profile, at + 12)
    parts = [
        read(profile, at + offset, inputs) if offset else b""
        for read, offset in zip(_STAGES, found, strict=True)
    ]
    starts = accumulate(map(len, parts), initial=32)
    offsets = (start if part else 0 for start, part in zip(starts, parts, strict=False))
    return struct.pack(">4s4xBB2x5I", b"mAB ", inputs, 3, *offsets) + b"".join(parts)


def _matrix(profile: bytes, at: int, inputs: int) -> bytes:
    return _cut(profile, at, 48)


def _grid(profile: bytes, at: int, inputs: int) -> bytes:
    sides = _cut(profile, at, 20)[:inputs]
    precision = profile[at + 16]
    if precision not in (1, 2):
        raise _Unusable
    return _padded(_cut(profile, at, 20 + 3 * precision * prod(sides)))


def _input_curves(profile: bytes, at: int, inputs: int) -> bytes:
    return b"".join(_curve_row(profile, at, inputs))


def _output_curves(profile: bytes, at: int, inputs: int) -> bytes:
    return b"".join(_curve_row(profile, at, 3))


def _curve_row(profile: bytes, at: int, count: int) -> Iterator[bytes]:
    for _ in range(count):
        curve = _padded(_curve(profile, at))
        at += len(curve)
        yield curve


_STAGES = (_output_curves, _matrix, _output_curves, _grid, _input_curves)  # B, matrix, M, grid, A
_TABLES = {b"mft1": _lut8, b"mft2": _lut16, b"mAB ": _lut_a_to_b}


# --- The new profile ----------------------------------------------------------------------------
def _padded(element: bytes) -> bytes:
    return element + bytes(-len(element) % 4)


def _assembled(head: bytes, tags: dict[bytes, bytes]) -> bytes | None:
    bodies = [_padded(body) for body in tags.values()]
    starts = accumulate(map(len, bodies), initial=len(head) + 4 + 12 * len(tags))
    rows = (
        struct.pack(">4sII", name, start, len(body))
        for (name, body), start in zip(tags.items(), starts, strict=False)
    )
    table = struct.pack(">I", len(tags)) + b"".join(rows)
    profile = b"".join((head, table, *bodies))
    if len(profile) > MAX_BYTES:
        return None
    return struct.pack(">I", len(profile)) + profile[4:]
