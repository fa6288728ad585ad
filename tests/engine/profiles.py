"""ICC profiles made by hand, after ICC.1:2022."""

import struct

import numpy as np

D50 = struct.pack(">3i", 63190, 65536, 54061)


def profile(
    space: bytes,
    tags: dict[bytes, bytes],
    *,
    connection: bytes = b"XYZ ",
    kind: bytes = b"mntr",
    version: int = 4,
) -> bytes:
    """A profile of those tags; equal elements share their bytes."""
    places: dict[bytes, int] = {}
    end = 132 + 12 * len(tags)
    for element in tags.values():
        if element not in places:
            places[element] = end
            end += len(element) + -len(element) % 4
    head = struct.pack(">I4sI4s4s4s12x4s28x12s48x", end, b"lcms", version << 24, kind, space,
                       connection, b"acsp", D50)  # fmt: skip
    rows = (struct.pack(">4sII", name, places[body], len(body)) for name, body in tags.items())
    bodies = (body + bytes(-len(body) % 4) for body in places)
    return b"".join((head, struct.pack(">I", len(tags)), *rows, *bodies))


def xyz(*values: float) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(value * 65536) for value in values))


def curve(points: int, gamma: float = 2.2) -> bytes:
    values = np.linspace(0, 1, points) ** gamma * 65535
    return struct.pack(">4s4xI", b"curv", points) + values.astype(">u2").tobytes()


def parametric(*values: float) -> bytes:
    """Of function 3: y = (a x + b)^g, or c x up to d."""
    numbers = (round(value * 65536) for value in values)
    return struct.pack(">4s4xH2x5i", b"para", 3, *numbers)


def matrix_tags(curve: bytes) -> dict[bytes, bytes]:
    """Display P3's colorants, adapted to D50."""
    return {
        b"rXYZ": xyz(0.5151, 0.2412, -0.0011),
        b"gXYZ": xyz(0.2919, 0.6922, 0.0419),
        b"bXYZ": xyz(0.1572, 0.0666, 0.7841),
    } | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)


def lut16(inputs: int, grid: int, points: int = 16, seed: int = 0) -> bytes:
    """A table of noise."""
    table = np.random.default_rng(seed).integers(0, 65536, 3 * grid**inputs)
    ramp = np.linspace(0, 65535, points)
    identity = (65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    return struct.pack(">4s4xBBBx9iHH", b"mft2", inputs, 3, grid, *identity, points, points) + (
        np.concatenate([*[ramp] * inputs, table, *[ramp] * 3]).astype(">u2").tobytes()
    )


def lut8(inputs: int, grid: int, seed: int = 0) -> bytes:
    table = np.random.default_rng(seed).integers(0, 256, 3 * grid**inputs)
    ramp = np.arange(256)
    identity = (65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    return struct.pack(">4s4xBBBx9i", b"mft1", inputs, 3, grid, *identity) + (
        np.concatenate([*[ramp] * inputs, table, *[ramp] * 3]).astype(np.uint8).tobytes()
    )


def lut_a_to_b(inputs: int, grid: int, curve: bytes) -> bytes:
    """All five stages; the three rows of curves share their bytes."""
    curve += bytes(-len(curve) % 4)
    table = np.random.default_rng(1).integers(0, 256, 3 * grid**inputs).astype(np.uint8).tobytes()
    clut = bytes([grid] * inputs + [0] * (16 - inputs)) + b"\1\0\0\0" + table
    clut += bytes(-len(clut) % 4)
    matrix = struct.pack(">12i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536, 0, 0, 0)
    curves = 32 + len(matrix) + len(clut)
    offsets = (curves, 32, curves, 32 + len(matrix), curves)
    head = struct.pack(">4s4xBB2x5I", b"mAB ", inputs, 3, *offsets)
    return head + matrix + clut + curve * max(inputs, 3)


def float_table(stages: int) -> bytes:
    """D2B0 of `stages` elements that are all the same few bytes: each costs a pass."""
    ramp = struct.pack(">4s4xH2x4f", b"parf", 0, 1.01, 1, 0, 0)
    segment = struct.pack(">4s4xH2x", b"curf", 1) + ramp
    head = struct.pack(">4s4xHH", b"cvst", 3, 3)
    at = len(head) + 24
    curves = head + struct.pack(">II", at, len(segment)) * 3 + segment
    start = 16 + 8 * stages
    rows = struct.pack(">II", start, len(curves)) * stages
    return struct.pack(">4s4xHHI", b"mpet", 3, 3, stages) + rows + curves
