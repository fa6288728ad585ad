"""Turns deformable convolutions that were unrolled for export back into the operator of their own.

BiRefNet's public ONNX files were exported for opset 17, which has no DeformConv. So each of their
deformable convolutions (Zhu et al. 2019, arXiv 1811.11168) is some sixty nodes around four
GatherND, which hold the four neighbours of each sampled place, for all channels at once. `rewrite`
finds these and puts one DeformConv, which came with opset 19, in the place of each.

It is a pure function of the graph and writes the same bytes every time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from ..arrays import Floats
from .opset import opset_of, raise_opset
from .quantise import drop_unused
from .runtime import ort

Doubles = NDArray[np.float64]

OPSET = 19
# Unrolled, a convolution can need more memory than the whole rewritten network. A check takes no
# more channels than keep each array with all their samples below this.
CHECK_BYTES = 32 * 1024 * 1024
TOLERANCE = 1e-3  # of the output's standard deviation: what rounding may do, and nothing else does


def rewrite(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return `model` with each unrolled deformable convolution as one DeformConv of opset 19.

    One stays as it is where it is not recognised to the last constant (float32, a batch of one, one
    group) or where onnxruntime gives another output for it than for DeformConv, on random input.
    Where none is left, or the opset cannot be raised (`raise_opset`), the copy equals `model`.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    if _has_inner_graphs(graph):
        return result  # these may read any tensor of ours
    reader = _Reader(result)
    found = [_recognise(reader, node) for node in graph.node if node.op_type == "Conv"]
    proven = [one for one in found if one is not None and _agrees(reader, one)]
    if not proven or not raise_opset(result, OPSET):
        return result
    replacements: dict[str, list[onnx.NodeProto]] = {}
    for one in proven:
        replacements |= _replacement(reader, one)
    nodes = [new for old in graph.node for new in replacements.get(old.output[0], [old])]
    del graph.node[:]
    graph.node.extend(nodes)
    drop_unused(graph)
    _forget_shapes(graph)
    return result


def _has_inner_graphs(graph: onnx.GraphProto) -> bool:
    kinds = (AttributeProto.GRAPH, AttributeProto.GRAPHS)
    return any(attribute.type in kinds for node in graph.node for attribute in node.attribute)


def _forget_shapes(graph: onnx.GraphProto) -> None:
    """Drop what is said of tensors that are no more."""
    made = {name for node in graph.node for name in node.output}
    kept = [info for info in graph.value_info if info.name in made]
    del graph.value_info[:]
    graph.value_info.extend(kept)


class _YX(NamedTuple):
    """A value for each axis of the picture."""

    y: int
    x: int


@dataclass(frozen=True, slots=True)
class _Deformable:
    """One deformable convolution: the names of its tensors, its geometry.

    `source` is (1, channels, height, width), `offset` (1, 2 * kernel.y * kernel.x, rows, columns),
    `mask` the same with half the channels.
    """

    convolution: onnx.NodeProto
    source: str
    offset: str
    mask: str | None
    channels: int
    size: _YX  # of the source
    output: _YX
    kernel: _YX
    strides: _YX
    dilations: _YX
    pads: _YX  # on either side
    channel_axes: Mapping[str, int]  # of each Reshape inside, by the name of its output


class _Different(Exception):
    """The graph is not that of an unrolled deformable convolution."""


class _Reader:
    """A graph, read from consumers to producers. _Different where it is not as asked for."""

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = self.graph = model.graph
        self.opset = opset_of(model)
        self.producers = {name: node for node in graph.node for name in node.output}
        self.initializers = {tensor.name: tensor for tensor in graph.initializer}
        self.consumers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self.consumers.setdefault(name, []).append(node)
        self.outputs = {output.name for output in graph.output}

    def operator(self, name: str) -> str:
        """The ONNX operator that makes `name`; empty for inputs, initializers and other domains."""
        node = self.producers.get(name)
        return node.op_type if node is not None and node.domain in ("", "ai.onnx") else ""

    def inputs(self, name: str, operator: str, count: int | None = None) -> list[str]:
        """The inputs of the `operator` that makes `name`, `count` of them."""
        if self.operator(name) != operator:
            raise _Different
        found = list(self.producers[name].input)
        _require(count in (None, len(found)))
        return found

    def attributes(self, name: str) -> dict[str, Any]:
        return _attributes(self.producers[name])

    def original(self, name: str) -> str:
        """Exporters keep one of equal initializers, and Identities of it in place of the others."""
        return self.producers[name].input[0] if self.operator(name) == "Identity" else name

    def is_constant(self, name: str) -> bool:
        name = self.original(name)
        return name in self.initializers or self.operator(name) == "Constant"

    def constant(self, name: str) -> NDArray[Any]:
        """The value of an initializer or of a Constant."""
        name = self.original(name)
        value = self.initializers.get(name)
        if value is None:
            self.inputs(name, "Constant", 0)
            value = self.attributes(name).get("value")
        if not isinstance(value, TensorProto) or value.data_location == TensorProto.EXTERNAL:
            raise _Different
        return numpy_helper.to_array(value)

    def integers(self, name: str) -> tuple[int, ...]:
        """A constant's values, which are whole."""
        value = self.constant(name)
        _require(value.dtype == np.int64)
        return tuple(value.ravel().tolist())

    def with_constant(self, name: str, operator: str) -> tuple[NDArray[Any], str]:
        """The constant and the other input of an `operator` that takes two in any order."""
        first, second = self.inputs(name, operator, 2)
        if self.is_constant(second):
            first, second = second, first
        return self.constant(first), second

    def reshaped(self, name: str) -> tuple[str, tuple[int, ...]]:
        """What is reshaped into `name`, and its new shape."""
        source, shape = self.inputs(name, "Reshape", 2)
        return source, self.integers(shape)

    def transposed(self, name: str, *order: int) -> str:
        (source,) = self.inputs(name, "Transpose", 1)
        _require(self.attributes(name).get("perm") == list(order))
        return source

    def sliced(self, name: str) -> tuple[str, int]:
        """What `name` is cut from, and which coordinate it is: 0 or 1 on axis 3."""
        source, *limits = self.inputs(name, "Slice")
        values = [self.integers(limit) for limit in limits]
        for coordinate in (0, 1):
            start, end, axis, step = (coordinate,), (coordinate + 1,), (3,), (1,)
            if values in ([start, end, axis], [start, end, axis, step]):
                return source, coordinate
        raise _Different

    def only_consumer(self, name: str, operator: str) -> onnx.NodeProto | None:
        """The node that alone reads `name`, if it is that."""
        consumers = self.consumers.get(name, [])
        alone = name not in self.outputs and len(consumers) == 1
        return consumers[0] if alone and consumers[0].op_type == operator else None


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def _require(*conditions: bool) -> None:
    if not all(conditions):
        raise _Different


# Recognising: from the convolution at the end back to what it samples.


def _recognise(reader: _Reader, convolution: onnx.NodeProto) -> _Deformable | None:
    try:
        return _read(reader, convolution)
    except _Different:
        return None


def _read(reader: _Reader, convolution: onnx.NodeProto) -> _Deformable:
    _require(len(convolution.input) in (2, 3))
    columns, columns_shape = reader.reshaped(convolution.input[0])
    rows = reader.transposed(columns, 0, 1, 4, 2, 5, 3)
    samples, rows_shape = reader.reshaped(rows)
    weights = reader.constant(convolution.input[1])
    _require(weights.dtype == np.float32, weights.ndim == 4)
    channels, kernel = weights.shape[1], _YX(*weights.shape[2:])
    _require_one_step_per_kernel(convolution, kernel)
    _require(len(rows_shape) == 6, rows_shape[:4] == (1, channels, *kernel))
    output = _YX(*rows_shape[4:])
    _require(columns_shape == (1, channels, output.y * kernel.y, output.x * kernel.x))

    grid = _Grid(channels, kernel.y * kernel.x, output)
    samples, mask = _read_mask(reader, samples, grid)
    corners = [_read_corner(reader, name, grid) for name in reader.inputs(samples, "Sum")]
    _require(len(corners) == 4, {corner.side for corner in corners} == set(np.ndindex(2, 2)))
    _require(len({(c.source, c.size, c.whole, c.fraction) for c in corners}) == 1)
    corner = corners[0]
    padded, padding = _read_padding(reader, corner.source)
    offset, first, strides, dilations = _read_places(reader, corner, kernel, grid)
    pads = _YX(padding.y - first.y, padding.x - first.x)
    _require(min(padding) >= 1, min(pads) >= 0, min(strides) >= 1, min(dilations) >= 1)
    channel_axes = {convolution.input[0]: 1, rows: 1}
    for one in corners:
        channel_axes |= {one.gathered: 2, one.source: 2}
    return _Deformable(
        convolution=convolution,
        source=padded,
        offset=offset,
        mask=mask,
        channels=channels,
        size=_YX(corner.size.y - 2 * padding.y, corner.size.x - 2 * padding.x),
        output=output,
        kernel=kernel,
        strides=strides,
        dilations=dilations,
        pads=pads,
        channel_axes=channel_axes,
    )


def _require_one_step_per_kernel(convolution: onnx.NodeProto, kernel: _YX) -> None:
    """It sees each sample once: as wide as it steps, without margin."""
    given = _attributes(convolution)
    defaults = {"strides": [1, 1], "pads": [0] * 4, "dilations": [1, 1], "group": 1}
    wanted = {"kernel_shape": list(kernel), **defaults, "strides": list(kernel)}
    _require(
        given.get("auto_pad", b"NOTSET") == b"NOTSET",
        all(given.get(name, defaults.get(name, value)) == value for name, value in wanted.items()),
    )


class _Grid(NamedTuple):
    """The samples: `places` of a kernel for each place of the output, in all channels."""

    channels: int
    places: int
    output: _YX

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
    size: _YX  # of the padded source
    gathered: str
    whole: str
    fraction: str


def _read_mask(reader: _Reader, samples: str, grid: _Grid) -> tuple[str, str | None]:
    """The sum of the four neighbours, and by what it is multiplied (DCNv2), if so."""
    if reader.operator(samples) == "Sum":
        return samples, None
    first, second = reader.inputs(samples, "Mul", 2)
    if reader.operator(first) != "Sum":
        first, second = second, first
    mask, shape = reader.reshaped(second)
    _require(shape == (1, 1, 1, *grid.shape))
    return first, mask


def _read_corner(reader: _Reader, product: str, grid: _Grid) -> _Corner:
    share, gathered = reader.inputs(product, "Mul", 2)
    if reader.operator(reader.reshaped(share)[0]) != "Mul":
        share, gathered = gathered, share
    shares, shape = reader.reshaped(share)
    _require(shape == (1, 1, 1, *grid.shape))
    side, fraction = _read_share(reader, shares)

    values, shape = reader.reshaped(gathered)
    _require(shape == (1, 1, grid.channels, *grid.shape))
    gather = reader.transposed(values, 0, 1, 3, 2)
    source, index = reader.inputs(gather, "GatherND", 2)
    _require(reader.attributes(gather).get("batch_dims") == 2)
    source = reader.transposed(source, 0, 1, 3, 4, 2)
    halves = reader.inputs(index, "Concat", 2)
    _require(reader.attributes(index).get("axis") == 3)
    coordinates = []
    for half in halves:
        coordinate, shape = reader.reshaped(half)
        _require(shape == (1, 1, grid.total, 1))
        coordinates.append(_read_coordinate(reader, coordinate))
    y, x = coordinates
    _require((y.axis, x.axis) == (0, 1), (y.side, x.side) == side, y.whole == x.whole)
    size = _YX(y.length, x.length)
    _require(reader.reshaped(source)[1] == (1, 1, grid.channels, *size))
    return _Corner(side, source, size, gathered, y.whole, fraction)


def _read_share(reader: _Reader, shares: str) -> tuple[tuple[int, int], str]:
    """Whose share this is, f for the far side and 1 - f for the near one, and the name of f."""
    sides, fractions = {}, set()
    for name in reader.inputs(shares, "Mul", 2):
        far = reader.operator(name) == "Slice"
        if not far:
            one, name = reader.inputs(name, "Sub", 2)
            _require(reader.constant(one).ravel().tolist() == [1])
        fraction, axis = reader.sliced(name)
        sides[axis] = int(far)
        fractions.add(fraction)
    _require(len(sides) == 2, len(fractions) == 1)
    return (sides[0], sides[1]), fractions.pop()


class _Coordinate(NamedTuple):
    axis: int
    side: int
    length: int  # what the coordinate is kept below
    whole: str


def _read_coordinate(reader: _Reader, name: str) -> _Coordinate:
    name, low, high = reader.inputs(name, "Clip", 3)
    _require(reader.integers(low) == (0,))
    (last,) = reader.integers(high)
    side = int(reader.operator(name) == "Add")
    if side:
        one, name = reader.with_constant(name, "Add")
        _require(one.ravel().tolist() == [1])
    whole, axis = reader.sliced(name)
    return _Coordinate(axis, side, last + 1, whole)


def _read_padding(reader: _Reader, name: str) -> tuple[str, _YX]:
    """What was padded with zeros and reshaped into `name`, and by how much on either side."""
    pad = reader.reshaped(name)[0]
    source, widths, *rest = reader.inputs(pad, "Pad")
    _require(reader.attributes(pad).get("mode", b"constant") == b"constant", len(rest) <= 1)
    if rest and rest[0]:
        _require(reader.constant(rest[0]).ravel().tolist() == [0])
    by_axis = reader.integers(widths)
    _require(len(by_axis) == 8, by_axis == (0, 0, *by_axis[2:4]) * 2)
    return source, _YX(*by_axis[2:4])


def _read_places(
    reader: _Reader, corner: _Corner, kernel: _YX, grid: _Grid
) -> tuple[str, _YX, _YX, _YX]:
    """The offsets, and of the places they are added to: the first, the strides, the dilations."""
    (floor,) = reader.inputs(corner.whole, "Cast", 1)
    _require(reader.attributes(corner.whole).get("to") == TensorProto.INT64)
    places, whole = reader.inputs(corner.fraction, "Sub", 2)
    _require(whole == floor, reader.inputs(floor, "Floor", 1) == [places])
    table, name = reader.with_constant(places, "Add")
    offset, shape = reader.reshaped(name)
    wanted = (1, 1, grid.places, 2, *grid.output)
    _require(shape == wanted, table.shape == wanted, table.dtype == np.float32)
    table = table.reshape(*kernel, 2, *grid.output)
    first, strides, dilations = [], [], []
    for axis in (0, 1):
        by_kernel = np.moveaxis(table[:, :, axis, 0, 0], axis, 0)[:2, 0]
        by_output = np.moveaxis(table[0, 0, axis], axis, 0)[:2, 0]
        first.append(int(by_output[0]))
        strides.append(int(by_output[-1] - by_output[0]) or 1)
        dilations.append(int(by_kernel[-1] - by_kernel[0]) or 1)
    geometry = _YX(*first), _YX(*strides), _YX(*dilations)
    _require(np.array_equal(table, _places(*geometry, kernel, grid.output)))
    return offset, *geometry


def _places(first: _YX, strides: _YX, dilations: _YX, kernel: _YX, output: _YX) -> Floats:
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


# Checking: the nodes as they stand against DeformConv, on random input.


def _agrees(reader: _Reader, one: _Deformable) -> bool:
    """Whether onnxruntime gives the same for both, for as many channels as CHECK_BYTES allow."""
    samples = one.kernel.y * one.kernel.x * one.output.y * one.output.x
    channels = max(1, min(one.channels, CHECK_BYTES // (4 * samples)))
    numbers = np.random.default_rng(channels)
    weights = numbers.standard_normal((channels, channels, *one.kernel), np.float32)
    feeds = _random_input(one, channels, numbers)
    try:
        unrolled = _run(_unrolled_model(reader, one, weights, feeds), feeds)
        native = _run(_native_model(one, weights, feeds), feeds)
    except Exception:  # onnxruntime raises a class of its own for every failure
        return False
    if native.shape != unrolled.shape:
        return False
    return bool(np.abs(native - unrolled).max() <= TOLERANCE * unrolled.std() > 0)


def _random_input(
    one: _Deformable, channels: int, numbers: np.random.Generator
) -> dict[str, Floats]:
    """Offsets reach to a neighbour, across the picture, or out of it."""
    places = one.kernel.y * one.kernel.x
    reach = np.array([1, max(one.size) / 4, 2 * max(one.size)], np.float32)
    offset = numbers.standard_normal((1, 2 * places, *one.output), np.float32)
    feeds = {
        one.source: numbers.standard_normal((1, channels, *one.size), np.float32),
        one.offset: offset * numbers.choice(reach, one.output),
    }
    if one.mask is not None:
        feeds[one.mask] = 2 * numbers.random((1, places, *one.output), np.float32)
    return feeds


def _unrolled_model(
    reader: _Reader, one: _Deformable, weights: Floats, feeds: Mapping[str, Floats]
) -> onnx.ModelProto:
    """The nodes from the inputs to the convolution, as they stand but for fewer channels."""
    needed, found = {one.convolution.input[0]}, [one.convolution]
    for node in reversed(reader.graph.node):
        if needed.intersection(node.output) - set(feeds):
            found.append(node)
            needed.update(node.input)
    nodes = []
    constants = [reader.initializers[name] for name in sorted(needed & set(reader.initializers))]
    for node in reversed(found):
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        nodes.append(copy)
        axis = one.channel_axes.get(node.output[0])
        if axis is not None:
            shape = np.array(reader.integers(node.input[1]))
            shape[axis] = len(weights)
            copy.input[1] = f"{node.output[0]}_shape"
            constants.append(numpy_helper.from_array(shape, copy.input[1]))
    del nodes[-1].input[2:]
    return _small_model(nodes, constants, one, weights, feeds, reader.opset)


def _native_model(
    one: _Deformable, weights: Floats, feeds: Mapping[str, Floats]
) -> onnx.ModelProto:
    inputs = [one.source, one.convolution.input[1], one.offset, "", one.mask or ""]
    node = _native_node(one, inputs, one.convolution.output[0])
    return _small_model([node], [], one, weights, feeds, OPSET)


def _small_model(
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    one: _Deformable,
    weights: Floats,
    feeds: Mapping[str, Floats],
    opset: int,
) -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape)
        for name, value in feeds.items()
    ]
    output = helper.make_tensor_value_info(one.convolution.output[0], TensorProto.FLOAT, None)
    constants = [*constants, numpy_helper.from_array(weights, one.convolution.input[1])]
    graph = helper.make_graph(nodes, "check", inputs, [output], constants)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model_gen_version(graph, opset_imports=opsets)


def _run(model: onnx.ModelProto, feeds: Mapping[str, Floats]) -> Floats:
    options = ort.SessionOptions()
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(None, dict(feeds))[0], np.float32)


# Replacing.


def _replacement(reader: _Reader, one: _Deformable) -> dict[str, list[onnx.NodeProto]]:
    """By the output of a node: the nodes that take its place. Their constants join the graph."""
    end = one.convolution.output[0]
    weights, bias, taken = _with_followers(reader, one)
    output = taken[-1] if taken else end
    places = one.kernel.y * one.kernel.x
    nodes = []

    def shaped(name: str, channels: int) -> str:
        """The operator needs four axes; the unrolled nodes took the values in any shape."""
        result = f"{name}_of_{output}"
        _add_constant(reader.graph, f"{result}_shape", np.array([1, channels, *one.output]))
        nodes.append(helper.make_node("Reshape", [name, f"{result}_shape"], [result], result))
        return result

    offset = shaped(one.offset, 2 * places)
    mask = shaped(one.mask, places) if one.mask is not None else ""
    nodes.append(_native_node(one, [one.source, weights, offset, bias, mask], output))
    return {name: [] for name in taken} | {end: nodes}


def _with_followers(reader: _Reader, one: _Deformable) -> tuple[str, str, list[str]]:
    """The names of weights and bias, and the outputs of the nodes that these make needless.

    The exporter adds the bias after the convolution. What is added and a normalisation that follows
    are taken into both, as onnxruntime does itself for plain convolutions.
    """
    weights, bias = one.convolution.input[1], ""
    if len(one.convolution.input) > 2:
        return weights, one.convolution.input[2], []
    end, taken = one.convolution.output[0], []
    value = np.zeros(reader.constant(weights).shape[0])
    added = _added(reader, end, value.size)
    if added is not None:
        taken, value = [added[0]], added[1].astype(np.float64)
    normalised = _normalised(reader, taken[-1] if taken else end)
    if normalised is not None:
        name, factor, mean, shift = normalised
        taken, value = [*taken, name], (value - mean) * factor + shift
        scaled = reader.constant(weights) * factor[:, None, None, None]
        weights = f"{name}_weights"
        _add_constant(reader.graph, weights, scaled.astype(np.float32))
    if taken:
        bias = f"{taken[-1]}_bias"
        _add_constant(reader.graph, bias, value.astype(np.float32))
    return weights, bias, taken


def _added(reader: _Reader, name: str, channels: int) -> tuple[str, Floats] | None:
    """The sum of `name` and a constant of each channel, where nothing else reads it, and that."""
    node = reader.only_consumer(name, "Add")
    if node is None:
        return None
    try:
        bias, _ = reader.with_constant(node.output[0], "Add")
    except _Different:
        return None
    fits = bias.dtype == np.float32 and bias.shape in ((channels, 1, 1), (1, channels, 1, 1))
    return (node.output[0], bias.ravel()) if fits else None


def _normalised(reader: _Reader, name: str) -> tuple[str, Doubles, Doubles, Doubles] | None:
    """`name` after a BatchNormalization, where nothing else reads it: that, and per channel the
    factor, the mean and the shift in (value - mean) * factor + shift."""
    node = reader.only_consumer(name, "BatchNormalization")
    if node is None or len(node.output) != 1 or _attributes(node).get("training_mode"):
        return None
    try:
        values = [reader.constant(parameter).astype(np.float64) for parameter in node.input[1:]]
    except _Different:
        return None
    scale, shift, mean, variance = values
    factor = scale / np.sqrt(variance + _attributes(node).get("epsilon", 1e-5))
    return node.output[0], factor, mean, shift


def _native_node(one: _Deformable, inputs: list[str], output: str) -> onnx.NodeProto:
    while not inputs[-1]:
        inputs = inputs[:-1]
    return helper.make_node(
        "DeformConv",
        inputs,
        [output],
        one.convolution.name,
        kernel_shape=one.kernel,
        strides=one.strides,
        dilations=one.dilations,
        pads=one.pads * 2,
    )


def _add_constant(graph: onnx.GraphProto, name: str, value: NDArray[Any]) -> None:
    graph.initializer.append(numpy_helper.from_array(value, name))
