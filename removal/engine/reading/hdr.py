"""From the HDR signals of BT.2100 (PQ and HLG) to sRGB.

By the ITU's references: the display light of a reference display of 1,000 cd/m2 (BT.2100), whose
203 cd/m2 are the white of paper (BT.2408), rolled off to that white by the EETF of BT.2390 on the
largest of red, green and blue, which keeps the hue.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from .. import threads
from ..arrays import Doubles, Floats, Pixels
from ..colour import PRIMARIES, xyz_of

PQ, HLG = 16, 18  # transfers of ITU-T H.273
TRANSFERS = {PQ, HLG}
PEAK, WHITE = 1000.0, 203.0  # cd/m2
_BT709 = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
_HLG_GAMMA = 1.2  # of the system, at that peak
_STRIP_PIXELS = 1 << 19  # converted at a time, as floats
_STEPS = 4096  # of the tables that are looked up between


def to_srgb(pixels: Pixels, primaries: int, transfer: int) -> Pixels:
    """uint8 (h, w, 3) of the signal to uint8 (h, w, 3) of sRGB. Primaries are codes of H.273;
    those that are not known are taken as BT.709's."""
    decode = {PQ: _pq_light, HLG: _hlg_light}[transfer]
    to_xyz = xyz_of(PRIMARIES.get(primaries, _BT709))
    mix = np.asarray(np.linalg.solve(xyz_of(_BT709), to_xyz), np.float32)
    luminance = np.asarray(to_xyz[1], np.float32)
    out = np.empty_like(pixels)
    rows = max(1, _STRIP_PIXELS // pixels.shape[1])

    def convert(start: int) -> None:
        strip = slice(start, start + rows)
        light = decode(pixels[strip], luminance)
        light *= _roll_off(light.max(axis=-1))[..., None]
        out[strip] = _encoded(light @ mix.T)

    with ThreadPoolExecutor(threads.count()) as pool:
        list(pool.map(convert, range(0, pixels.shape[0], rows)))
    return out


def _pq_light(signal: Pixels, luminance: Floats) -> Floats:
    """Display light in cd/m2."""
    return _pq_table()[signal]


def _hlg_light(signal: Pixels, luminance: Floats) -> Floats:
    scene = _hlg_table()[signal]
    gain = np.float32(PEAK) * (scene @ luminance) ** np.float32(_HLG_GAMMA - 1)
    return np.asarray(scene * gain[..., None], np.float32)


def _roll_off(light: Floats) -> Floats:
    """The factors that bring light of at most PEAK to at most 1, which is WHITE."""
    stops, factors = _roll_off_table()
    place = _from_light(np.asarray(light, np.float64))
    return np.asarray(np.interp(place, stops, factors), np.float32)


def _encoded(linear: Floats) -> Pixels:
    levels = np.clip(linear, 0, 1)
    levels *= np.float32(65535)
    return _srgb_table()[levels.astype(np.uint16)]


# --- Curves -------------------------------------------------------------------------------------
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128  # PQ's constants, BT.2100 table 4
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def _to_light(signal: Doubles) -> Doubles:
    """PQ's signal 0..1 to cd/m2."""
    power = signal ** (1 / _M2)
    base = np.maximum(power - _C1, 0) / (_C2 - _C3 * power)
    return np.asarray(10_000 * base ** (1 / _M1), np.float64)


def _from_light(light: Doubles) -> Doubles:
    power = (np.maximum(light, 0) / 10_000) ** _M1
    return np.asarray(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2, np.float64)


def _eetf(signal: Doubles) -> Doubles:
    """BT.2390 annex 5 for black at 0: PQ's signal, its peak brought from PEAK to WHITE."""
    peak, white = _from_light(np.array([PEAK, WHITE]))
    source = np.minimum(signal / peak, 1)
    most = white / peak
    knee = 1.5 * most - 0.5
    t = (source - knee) / (1 - knee)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (-2 * t**3 + 3 * t**2) * most
    )
    return np.asarray(np.where(source < knee, source, spline) * peak, np.float64)


@cache
def _pq_table() -> Floats:
    return _to_light(np.arange(256) / 255).astype(np.float32)


@cache
def _hlg_table() -> Floats:
    """The inverse OETF of BT.2100 table 5: scene light 0..1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    signal = np.arange(256) / 255
    high = (np.exp((signal - c) / a) + b) / 12
    return np.where(signal <= 0.5, signal**2 / 3, high).astype(np.float32)


@cache
def _roll_off_table() -> tuple[Doubles, Doubles]:
    """(PQ's signal, factor to light in WHITEs)."""
    signal = np.linspace(1 / _STEPS, 1, _STEPS)
    factors = _to_light(_eetf(signal)) / (_to_light(signal) * WHITE)
    return signal, np.asarray(factors, np.float64)


@cache
def _srgb_table() -> Pixels:
    linear = np.arange(65536) / 65535
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (curve * 255 + 0.5).astype(np.uint8)
