"""Pictures and results of a pixel's breadth cost about what square ones of as many pixels do.

Budgets are in CPU seconds of this process, several times what is needed: they catch work that goes
by rows, columns or the square of a side, of which there was half a minute's.
"""

import time
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from PIL import Image

from removal.engine import Hints, Options, ResultTooLarge, Stroke, hints, remove_background
from removal.engine.networks import ram
from removal.engine.reading import decode
from tests import pictures

PIXELS = 32_000_000
BUDGET = 15.0
PEAK_MIB = 950  # above what the process has; a square picture takes 450


@dataclass
class Clock:
    """CPU seconds since it was made, networks loaded before."""

    started: float

    @property
    def seconds(self) -> float:
        return time.process_time() - self.started


@pytest.fixture
def cpu():
    remove_background(pictures.blank(8, 8))
    return Clock(time.process_time())


def striped(width, height, mode="L"):
    """A dark middle on a light ground, along the longer side."""
    line = np.full(max(width, height), 220, np.uint8)
    line[line.size // 3 : 2 * line.size // 3] = 40
    plane = line.reshape(1, -1) if width >= height else line.reshape(-1, 1)
    return Image.fromarray(np.broadcast_to(plane, (height, width)).copy()).convert(mode)


@pytest.mark.parametrize(
    ("image_format", "mode", "size"),
    [
        ("PNG", "RGB", (PIXELS, 1)),
        ("PNG", "L", (1, PIXELS)),
        ("BMP", "RGB", (PIXELS // 3, 1)),
        ("TIFF", "L", (PIXELS // 2, 1)),
        ("TIFF", "L", (1, PIXELS // 2)),
    ],
)
def test_a_picture_of_one_pixels_breadth(cpu, image_format, mode, size: tuple[int, int]):
    data = pictures.encoded(striped(*size, mode), image_format)
    before = ram.own()
    ram.forget_peak()
    cpu.started = time.process_time()
    result = remove_background(data, Options(watermark=True))
    assert max(result.facts.result_size) == min(max(size), 25_000_000)
    assert cpu.seconds < BUDGET
    assert ram.own("VmHWM") - before < PEAK_MIB


@pytest.mark.parametrize("shape", [(2, 300_000), (300_000, 2, 3)])
def test_a_side_that_is_scaled_in_parts_is_scaled_as_a_whole(shape):
    along = np.linspace(0, 40, max(shape)).reshape(
        [-1 if side == max(shape) else 1 for side in shape]
    )
    pixels = np.broadcast_to(np.sin(along) * 100 + 128, shape).astype(np.uint8)
    size = (2, 200_003) if shape[0] > shape[1] else (200_003, 2)
    whole = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    parts = decode._area(pixels, size)
    assert (parts.shape, parts.dtype) == (whole.shape, whole.dtype)
    assert np.abs(parts.astype(int) - whole).max() <= 1


@pytest.mark.parametrize("size", [(PIXELS, 1), (1, PIXELS), (70_000, 2)])
def test_hints_of_the_largest_radius(size: tuple[int, int]):
    """On the grid that hints are drawn on the shorter side has more pixels than its share."""
    stroke = Stroke(((0, 0),), max(size) / hints.MAX_RADIUS_SHARE)
    keep, remove = hints.drawn(Hints(keep=(stroke,)), size)
    assert not remove.any()
    assert keep.sum() == pytest.approx(hints.GRID / hints.MAX_RADIUS_SHARE, abs=2)


@pytest.mark.parametrize("size", [(100_000, 300), (30, 1_000_000)])
def test_shapes_between(cpu, size: tuple[int, int]):
    data = pictures.encoded(striped(*size, mode="RGB"), compress_level=1)
    cpu.started = time.process_time()
    remove_background(data, Options(watermark=True))
    assert cpu.seconds < BUDGET


@pytest.mark.parametrize("size", [(700_000, 70), (1, 10_000)])
def test_the_thinnest_results(cpu, size):
    remove_background(pictures.portrait(), Options(target_size=size, watermark=True))
    assert cpu.seconds < BUDGET


@pytest.mark.parametrize("size", [(50_000_000, 1), (1, 50_000_000)])
def test_a_result_thinner_than_any_use_asks_for_is_refused_before_any_work(cpu, size):
    with pytest.raises(ResultTooLarge, match="10,000 times"):
        remove_background(pictures.portrait(), Options(target_size=size))
    assert cpu.seconds < 1
