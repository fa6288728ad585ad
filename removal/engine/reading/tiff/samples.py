"""Rows of bytes as numbers: one array of samples, whatever their depth and however they lie."""

import numpy as np
from numpy.typing import NDArray

from removal.engine.reading.headers.page import Page

Samples = NDArray[np.uint8] | NDArray[np.uint16]


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
    bits = np.unpackbits(raw, axis=-1)
    count = bits.shape[-1] // page.bits
    groups = bits[..., : count * page.bits].reshape(*raw.shape[:2], count, page.bits)
    numbers = np.zeros(groups.shape[:-1], np.uint8 if page.bits < 8 else np.uint16)
    for place in range(page.bits):
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
