"""Recognises an unrolled deformable convolution: from its end back to what it samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import onnx
from onnx import TensorProto

from ...arrays import Floats
from .graph import YX, Deformable, Different, Reader, attributes, require

LARGEST = (
    1 << 26
)  # places of a source: a few constants can claim any size, and a check needs it all


def recognise(reader: Reader, convolution: onnx.NodeProto) -> Deformable | None:
    try:
        return _read(reader, convolution)
    except Different:
        return None


def _read(reader: Reader, convolution: onnx.NodeProto) -> Deformable:
    require(len(convolution.input) in (2, 3))
    columns, columns_shape = reader.reshaped(convolution.input[0])
    rows = reader.transposed(columns, 0, 1, 4, 2, 5, 3)
    samples, rows_shape = reader.reshaped(rows)
    weights = reader.constant(convolution.input[1])
    require(weights.dtype == np.float32, weights.ndim == 4)
    channels, kernel = weights.shape[1], YX(*weights.shape[2:])
    _require_one_step_per_kernel(convolution, kernel)
    require(len(rows_shape) == 6, rows_shape[:4] == (1, channels, *kernel))
    output = YX(*rows_shape[4:])
    require(min(weights.shape) >= 1, min(output) >= 1)
    require(columns_shape == (1, channels, output.y * kernel.y, output.x * kernel.x))

    grid = _Grid(channels, kernel.y * kernel.x, output)
    samples, mask = _read_mask(reader, samples, grid)
    corners = [_read_corner(reader, name, grid) for name in reader.inputs(samples, "Sum")]
    require(len(corners) == 4, {corner.side for corner in corners} == set(np.ndindex(2, 2)))
    require(len({(c.source, c.size, c.whole, c.fraction) for c in corners}) == 1)
    corner = corners[0]
    padded, padding = _read_padding(reader, corner.source)
    offset, first, strides, dilations = _read_places(reader, corner, kernel, grid)
    pads = YX(padding.y - first.y, padding.x - first.x)
    size = YX(corner.size.y - 2 * padding.y, corner.size.x - 2 * padding.x)
    require(min(padding) >= 1, min(pads) >= 0, min(strides) >= 1, min(dilations) >= 1)
    require(min(size) >= 1, size.y * size.x <= LARGEST)
    channel_axes = {convolution.input[0]: 1, rows: 1}
    for one in corners:
        channel_axes |= {one.gathered: 2, one.source: 2}
    return Deformable(
        convolution=convolution,
        source=padded,
        offset=offset,
        mask=mask,
        channels=channels,
        size=size,
        output=output,
        kernel=kernel,
        strides=strides,
        dilations=dilations,
        pads=pads,
        channel_axes=channel_axes,
    )


def _require_one_step_per_kernel(convolution: onnx.NodeProto, kernel: YX) -> None:
    """It sees each sample once: as wide as it steps, without margin."""
    given = attributes(convolution)
    defaults = {"strides": [1, 1], "pads": [0] * 4, "dilations": [1, 1], "group": 1}
    wanted = {"kernel_shape": list(kernel), **defaults, "strides": list(kernel)}
    require(
        given.get("auto_pad", b"NOTSET") == b"NOTSET",
        all(given.get(name, defaults.get(name, value)) == value for name, value in wanted.items()),
    )


class _Grid(NamedTuple):
    """The samples: `places` of a kernel for each place of the output, in all channels."""

    channels: int
    places: int
    output: YX

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.places, *self.output)

    @property
    def total(self) -> int:
        return self.places * self.output.y * self.output.x


@dataclass(frozen=True, slots=True)
class _Corner:
    """One of the four neighbours of the sampled places, times its share.

    `side` says which: 1 is below and right. `whole` and `fraction` are the parts of the places.
    """

    side: tuple[int, int]
    source: str  # padded, (1, 1, channels, height, width)
    size: YX  # of the padded source
    gathered: str
    whole: str
    fraction: str


def _read_mask(reader: Reader, samples: str, grid: _Grid) -> tuple[str, str | None]:
    """The sum of the four neighbours, and by what it is multiplied (DCNv2), if so."""
    if reader.operator(samples) == "Sum":
        return samples, None
    first, second = reader.inputs(samples, "Mul", 2)
    if reader.operator(first) != "Sum":
        first, second = second, first
    mask, shape = reader.reshaped(second)
    require(shape == (1, 1, 1, *grid.shape))
    return first, mask


def _read_corner(reader: Reader, product: str, grid: _Grid) -> _Corner:
    share, gathered = reader.inputs(product, "Mul", 2)
    if reader.operator(reader.reshaped(share)[0]) != "Mul":
        share, gathered = gathered, share
    shares, shape = reader.reshaped(share)
    require(shape == (1, 1, 1, *grid.shape))
    side, fraction = _read_share(reader, shares)

    values, shape = reader.reshaped(gathered)
    require(shape == (1, 1, grid.channels, *grid.shape))
    gather = reader.transposed(values, 0, 1, 3, 2)
    source, index = reader.inputs(gather, "GatherND", 2)
    require(reader.attributes(gather).get("batch_dims") == 2)
    source = reader.transposed(source, 0, 1, 3, 4, 2)
    halves = reader.inputs(index, "Concat", 2)
    require(reader.attributes(index).get("axis") == 3)
    coordinates = []
    for half in halves:
        coordinate, shape = reader.reshaped(half)
        require(shape == (1, 1, grid.total, 1))
        coordinates.append(_read_coordinate(reader, coordinate))
    y, x = coordinates
    require((y.axis, x.axis) == (0, 1), (y.side, x.side) == side, y.whole == x.whole)
    size = YX(y.length, x.length)
    require(reader.reshaped(source)[1] == (1, 1, grid.channels, *size))
    return _Corner(side, source, size, gathered, y.whole, fraction)


def _read_share(reader: Reader, shares: str) -> tuple[tuple[int, int], str]:
    """Whose share this is, f for the far side and 1 - f for the near one, and the name of f."""
    sides, fractions = {}, set()
    for name in reader.inputs(shares, "Mul", 2):
        far = reader.operator(name) == "Slice"
        if not far:
            one, name = reader.inputs(name, "Sub", 2)
            require(reader.constant(one).ravel().tolist() == [1])
        fraction, axis = reader.sliced(name)
        sides[axis] = int(far)
        fractions.add(fraction)
    require(len(sides) == 2, len(fractions) == 1)
    return (sides[0], sides[1]), fractions.pop()


class _Coordinate(NamedTuple):
    axis: int
    side: int
    length: int  # what the coordinate is kept below
    whole: str


def _read_coordinate(reader: Reader, name: str) -> _Coordinate:
    name, low, high = reader.inputs(name, "Clip", 3)
    require(reader.integers(low) == (0,))
    (last,) = reader.integers(high)
    side = int(reader.operator(name) == "Add")
    if side:
        one, name = reader.with_constant(name, "Add")
        require(one.ravel().tolist() == [1])
    whole, axis = reader.sliced(name)
    return _Coordinate(axis, side, last + 1, whole)


def _read_padding(reader: Reader, name: str) -> tuple[str, YX]:
    """What was padded with zeros and reshaped into `name`, and by how much on either side."""
    pad = reader.reshaped(name)[0]
    source, widths, *rest = reader.inputs(pad, "Pad")
    require(reader.attributes(pad).get("mode", b"constant") == b"constant", len(rest) <= 1)
    if rest and rest[0]:
        require(reader.constant(rest[0]).ravel().tolist() == [0])
    by_axis = reader.integers(widths)
    require(len(by_axis) == 8, by_axis == (0, 0, *by_axis[2:4]) * 2)
    return source, YX(*by_axis[2:4])


def _read_places(
    reader: Reader, corner: _Corner, kernel: YX, grid: _Grid
) -> tuple[str, YX, YX, YX]:
    """The offsets, and of the places they are added to: the first, the strides, the dilations."""
    (floor,) = reader.inputs(corner.whole, "Cast", 1)
    require(reader.attributes(corner.whole).get("to") == TensorProto.INT64)
    places, whole = reader.inputs(corner.fraction, "Sub", 2)
    require(whole == floor, reader.inputs(floor, "Floor", 1) == [places])
    table, name = reader.with_constant(places, "Add")
    offset, shape = reader.reshaped(name)
    wanted = (1, 1, grid.places, 2, *grid.output)
    require(shape == wanted, table.shape == wanted, table.dtype == np.float32)
    table = table.reshape(*kernel, 2, *grid.output)
    first, strides, dilations = [], [], []
    for axis in (0, 1):
        by_kernel = np.moveaxis(table[:, :, axis, 0, 0], axis, 0)[:2, 0]
        by_output = np.moveaxis(table[0, 0, axis], axis, 0)[:2, 0]
        first.append(int(by_output[0]))
        strides.append(int(by_output[-1] - by_output[0]) or 1)
        dilations.append(int(by_kernel[-1] - by_kernel[0]) or 1)
    geometry = YX(*first), YX(*strides), YX(*dilations)
    require(np.array_equal(table, _places(*geometry, kernel, grid.output)))
    return offset, *geometry


def _places(first: YX, strides: YX, dilations: YX, kernel: YX, output: YX) -> Floats:
    """Where an undeformed kernel samples, as (kernel.y, kernel.x, 2, output.y, output.x)."""
    y, x = (
        first[axis]
        + dilations[axis] * np.arange(kernel[axis])[:, None]
        + strides[axis] * np.arange(output[axis])
        for axis in (0, 1)
    )
    places = np.empty((*kernel, 2, *output), np.float32)
    places[:, :, 0] = y[:, None, :, None]
    places[:, :, 1] = x[None, :, None, :]
    return places
