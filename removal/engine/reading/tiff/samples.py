"""Rows of bytes as numbers: one array of samples, whatever their depth and however they lie."""

import numpy as np
from numpy.typing import NDArray

from removal.engine.reading.headers.page import Page

Samples = NDArray[np.uint8] | NDArray[np.uint16]

_DTYPES = (np.uint8, np.uint16)  # of up to 8 bits, of more
_STEP_BYTES = 1 << 20  # taken apart into bits at a time, each of which is a byte then


def of(page: Page, raws: list[NDArray[np.uint8]], wanted: list[int]) -> Samples:
    """(rows, width, wanted), in the page's own depth.

    raws: uint8 (rows, parts across, bytes): of all channels, or of each wanted one where they lie
    in separate planes.
    """
    if page.is_subsampled:
        return _of_units(page, raws[0])
    if page.separate:
        return np.concatenate([_numbers(page, raw, 1) for raw in raws], axis=2)
    numbers = _numbers(page, raws[0], page.samples)
    return numbers if len(wanted) == page.samples else numbers[..., wanted]


def _numbers(page: Page, raw: NDArray[np.uint8], samples: int) -> Samples:
    """(rows, width, samples)."""
    rows, across, _ = raw.shape
    width = page.part[0]
    numbers = _integers(page, raw)[..., : width * samples].reshape(rows, across, width, samples)
    if page.differences:
        numbers = np.add.accumulate(numbers, axis=2, dtype=numbers.dtype)
    return numbers.reshape(rows, across * width, samples)[:, : page.size[0]]


def _integers(page: Page, raw: NDArray[np.uint8]) -> Samples:
    """(rows, parts across, numbers): of 8 or 16 bits, or of bits that are strung together."""
    if page.bits == 8:
        return raw
    if page.bits == 16:
        return np.ascontiguousarray(raw).view(page.order + "u2").astype(np.uint16, copy=False)
    numbers = np.empty((*raw.shape[:2], raw.shape[2] * 8 // page.bits), _DTYPES[page.bits > 8])
    step = page.bits * max(1, _STEP_BYTES // (raw[..., 0].size * page.bits))
    for start in range(0, raw.shape[2], step):  # whole numbers begin with each step
        found = _strung(raw[..., start : start + step], page.bits)
        at = start * 8 // page.bits
        numbers[..., at : at + found.shape[2]] = found
    return numbers


def _strung(raw: NDArray[np.uint8], bits: int) -> Samples:
    """Numbers of `bits` bits, the highest first, that are strung together in each row."""
    single = np.unpackbits(raw, axis=-1)
    count = single.shape[-1] // bits
    groups = single[..., : count * bits].reshape(*raw.shape[:2], count, bits)
    numbers = np.zeros(groups.shape[:-1], _DTYPES[bits > 8])
    for place in range(bits):
        numbers = numbers << 1 | groups[..., place]
    return numbers


def _of_units(page: Page, raw: NDArray[np.uint8]) -> Samples:
    """YCbCr of units that hold several pixels' Y, then the one Cb and Cr of them all (TIFF 6.0,
    section 21): each pixel gets those of its unit."""
    across, down = page.subsampling
    rows, parts, _ = raw.shape
    units = raw.reshape(rows, parts, -1, across * down + 2)
    count = units.shape[2]
    luma = units[..., :-2].reshape(rows, parts, count, down, across)
    luma = luma.transpose(0, 3, 1, 2, 4).reshape(rows * down, parts, count * across)
    chroma = units[..., -2:].repeat(across, axis=2).repeat(down, axis=0)
    whole = np.concatenate([luma[..., None], chroma], axis=-1)[:, :, : page.part[0]]
    return whole.reshape(rows * down, -1, 3)[:, : page.size[0]]
