"""Builds the models that are run from the ones that are published: fp32, pruned, static int8.

Everything here is a pure function of its arguments and writes the same bytes every time, so that
a built file can be checked against a recorded SHA-256.
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, shape_inference

from . import half

Ranges = Mapping[str, Sequence[float]]

_KEEPS_SCALE = frozenset({"MaxPool", "Resize"})
_QUANTISABLE = frozenset({"Conv", "Relu", "Concat", "Add"}) | _KEEPS_SCALE
_ACTIVATION_LEVELS = 255
PAIR_LIMIT = 128  # 255 * 128 < 2^15; rounding may add 1 to a pair's sum, hence the - 1 below


@dataclass(frozen=True, slots=True)
class Scale:
    """Affine 8-bit code of a tensor: real = (code - zero) * step, code in 0..255."""

    step: np.float32
    zero: np.uint8


def to_float32(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return `model` with every half-precision tensor and cast turned into float32.

    Only the first output is kept: the others are training heads or intermediate features, and
    keeping them costs time and memory. Sizes of Resize nodes become constants where they can be
    told from the model alone.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    half.widen(result)
    graph = result.graph
    alias = _drop_float_casts(result)
    del graph.output[1:]
    graph.output[0].name = alias.get(graph.output[0].name, graph.output[0].name)
    _fix_resize_sizes(result)
    drop_unused(graph)
    return result


def drop_unused(graph: onnx.GraphProto) -> None:
    """Remove, in place, nodes and initializers that no output depends on, in whatever order."""
    makers = {name: node for node in graph.node for name in node.output}
    needed: set[str] = set()
    waiting = [output.name for output in graph.output]
    while waiting:
        name = waiting.pop()
        if name not in needed and name in makers:
            waiting += _taken_by(makers[name])
        needed.add(name)
    _replace(graph.node, [node for node in graph.node if needed.intersection(node.output)])
    _replace(graph.initializer, [t for t in graph.initializer if t.name in needed])


def _taken_by(node: onnx.NodeProto) -> list[str]:
    """The tensors that a node may read: its inputs and, of branches and loops, those of theirs."""
    names = list(node.input)
    for attribute in node.attribute:
        for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
            names += (output.name for output in inner.output)
            for one in inner.node:
                names += _taken_by(one)
    return names


def quantise(
    model: onnx.ModelProto, ranges: Ranges, float_prefixes: tuple[str, ...] = ()
) -> onnx.ModelProto:
    """Return `model` (float32) as a static int8 model in QDQ form.

    Activations are unsigned 8-bit per tensor, weights signed 8-bit per output channel and
    symmetric, biases 32-bit, as in Jacob et al. 2018 (arXiv 1712.05877). `ranges` maps the name
    of each activation to its (minimum, maximum) over the calibration pictures. Nodes whose name
    starts with one of `float_prefixes` stay in float32. KeyError if a range is missing.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    _Quantiser(result.graph, ranges, float_prefixes).run()
    _use_opset(result, 13)
    return result


class _Quantiser:
    """Rewrites one graph; a class because every step shares the tables below."""

    def __init__(
        self, graph: onnx.GraphProto, ranges: Ranges, float_prefixes: tuple[str, ...]
    ) -> None:
        self.graph = graph
        self.ranges = ranges
        self.float_prefixes = float_prefixes
        self.weights = {tensor.name: tensor for tensor in graph.initializer}
        self.consumers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self.consumers.setdefault(name, []).append(node)
        self.scales: dict[str, Scale] = {}
        self.nodes: list[onnx.NodeProto] = []

    def run(self) -> None:
        nodes = list(self.graph.node)
        source = self.graph.input[0].name
        if any(self.is_quantised(node) for node in self.consumers[source]):
            self.add_code(source, scale_of(self.ranges[source]))
        for node in nodes:
            self.rewrite(node)
        _replace(self.graph.node, self.nodes)
        drop_unused(self.graph)

    def is_quantised(self, node: onnx.NodeProto) -> bool:
        return node.op_type in _QUANTISABLE and not node.name.startswith(self.float_prefixes)

    def rewrite(self, node: onnx.NodeProto) -> None:
        original = list(node.input)
        for index, name in enumerate(original):
            if name in self.scales:
                node.input[index] = f"{name}_decoded"
        quantised, output = self.is_quantised(node), node.output[0]
        if quantised and node.op_type == "Conv":
            self.quantise_weights(node, self.scales[original[0]])
        self.nodes.append(node)
        if not quantised or self.feeds_only_relu(output):
            return
        keeps = node.op_type in _KEEPS_SCALE
        self.add_code(output, self.scales[original[0]] if keeps else scale_of(self.ranges[output]))

    def feeds_only_relu(self, name: str) -> bool:
        """A following ReLU is folded into the code of its own output (zero is 0)."""
        return {node.op_type for node in self.consumers.get(name, ())} == {"Relu"}

    def add_code(self, name: str, scale: Scale) -> None:
        self.scales[name] = scale
        self.constant(f"{name}_step", scale.step)
        self.constant(f"{name}_zero", scale.zero)
        parameters = [f"{name}_step", f"{name}_zero"]
        self.nodes.append(
            helper.make_node(
                "QuantizeLinear", [name, *parameters], [f"{name}_code"], name=f"{name}_encode"
            )
        )
        self.nodes.append(
            helper.make_node(
                "DequantizeLinear",
                [f"{name}_code", *parameters],
                [f"{name}_decoded"],
                name=f"{name}_decode",
            )
        )

    def quantise_weights(self, node: onnx.NodeProto, scale: Scale) -> None:
        weights = numpy_helper.to_array(self.weights[node.input[1]]).astype(np.float32)
        codes, steps = weight_codes(weights)
        node.input[1] = self.decoded_constant(node.input[1], codes, steps)
        if len(node.input) > 2:
            bias = numpy_helper.to_array(self.weights[node.input[2]]).astype(np.float64)
            bias_steps = (steps * scale.step).astype(np.float32)
            rounded = np.rint(bias / bias_steps).clip(-(2**31), 2**31 - 1).astype(np.int32)
            node.input[2] = self.decoded_constant(node.input[2], rounded, bias_steps)

    def decoded_constant(self, name: str, codes: NDArray[Any], steps: NDArray[np.float32]) -> str:
        self.constant(f"{name}_code", codes)
        self.constant(f"{name}_step", steps)
        self.constant(f"{name}_zero", np.zeros(steps.shape, codes.dtype))
        self.nodes.append(
            helper.make_node(
                "DequantizeLinear",
                [f"{name}_code", f"{name}_step", f"{name}_zero"],
                [f"{name}_decoded"],
                name=f"{name}_decode",
                axis=0,
            )
        )
        return f"{name}_decoded"

    def constant(self, name: str, value: NDArray[Any] | np.generic) -> None:
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))


def scale_of(bounds: Sequence[float]) -> Scale:
    """The 8-bit code that covers `bounds` = (minimum, maximum) and holds 0 exactly."""
    low, high = min(float(bounds[0]), 0.0), max(float(bounds[1]), 0.0)
    step = np.float32((high - low) / _ACTIVATION_LEVELS) or np.float32(1.0)
    zero = int(np.clip(np.rint(-low / float(step)), 0, _ACTIVATION_LEVELS))
    return Scale(step, np.uint8(zero))


def weight_codes(
    weights: NDArray[np.float32],
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Symmetric int8 codes of `weights` (out, in, h, w) and one step per output channel.

    x86 processors without VNNI add the products of two neighbouring inputs in 16 bits, which
    overflows where both weights are large. The step is chosen so that no pair can: 255 times the
    pair's positive (or negative) codes stays below 2^15. That costs a third of a bit, and one
    file is right on every processor.
    """
    flat = np.moveaxis(weights, 1, -1).reshape(len(weights), -1).astype(np.float64)
    pairs = np.pad(flat, ((0, 0), (0, flat.shape[1] % 2))).reshape(len(weights), -1, 2)
    same_sign = np.maximum(np.maximum(pairs, 0).sum(axis=2), np.maximum(-pairs, 0).sum(axis=2))
    peak = np.maximum(same_sign.max(axis=1) / (PAIR_LIMIT - 1), np.abs(flat).max(axis=1) / 127)
    steps = np.where(peak > 0, peak, 1).astype(np.float32)
    codes = np.rint(weights / steps.reshape(-1, 1, 1, 1)).clip(-127, 127)
    return codes.astype(np.int8), steps


def activations(model: onnx.ModelProto) -> list[str]:
    """Names of the tensors whose range `quantise` needs, the input first."""
    consumers: dict[str, list[str]] = {}
    for node in model.graph.node:
        for name in node.input:
            consumers.setdefault(name, []).append(node.op_type)
    return [model.graph.input[0].name] + [
        node.output[0]
        for node in model.graph.node
        if node.op_type in _QUANTISABLE - _KEEPS_SCALE
        and set(consumers.get(node.output[0], ())) != {"Relu"}
    ]


def _drop_float_casts(model: onnx.ModelProto) -> dict[str, str]:
    """Remove casts from float32 to itself; map each removed name to the one that replaces it."""
    graph, kinds = model.graph, _kinds(model)
    alias = {
        node.output[0]: node.input[0]
        for node in graph.node
        if node.op_type == "Cast"
        and kinds.get(node.input[0]) == TensorProto.FLOAT
        and any(
            attribute.i == TensorProto.FLOAT
            for attribute in node.attribute
            if attribute.name == "to"
        )
    }
    for name in alias:
        while alias[name] in alias:
            alias[name] = alias[alias[name]]
    _replace(graph.node, [node for node in graph.node if node.output[0] not in alias])
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = alias.get(name, name)
    return alias


def _kinds(model: onnx.ModelProto) -> dict[str, int]:
    """The element types of all tensors of the main graph that can be told."""
    ordered = onnx.ModelProto()
    ordered.CopyFrom(model)
    _replace(ordered.graph.node, _in_order(model.graph.node))
    graph = shape_inference.infer_shapes(ordered).graph
    return {tensor.name: tensor.data_type for tensor in graph.initializer} | {
        info.name: info.type.tensor_type.elem_type
        for info in (*graph.input, *graph.value_info, *graph.output)
    }


def _in_order(nodes: Sequence[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Each node after those whose outputs it takes: converters put their casts at the end, which
    onnxruntime allows and the inference of types does not."""
    makers = {name: index for index, node in enumerate(nodes) for name in node.output}
    needs = [{makers[name] for name in node.input if name in makers} for node in nodes]
    order = graphlib.TopologicalSorter(dict(enumerate(needs))).static_order()
    return [nodes[index] for index in order]


def _fix_resize_sizes(model: onnx.ModelProto) -> None:
    inferred = shape_inference.infer_shapes(model, data_prop=True)
    shapes = {
        info.name: [dim.dim_value for dim in info.type.tensor_type.shape.dim]
        for info in (*inferred.graph.value_info, *inferred.graph.output)
    }
    constants = {}
    for node in model.graph.node:
        by_size = node.op_type == "Resize" and len(node.input) > 3
        if by_size and len(shapes.get(node.output[0], ())) == 4 and all(shapes[node.output[0]]):
            size = f"{node.output[0]}_size"
            constants[size] = np.array(shapes[node.output[0]], np.int64)
            source = node.input[0]
            del node.input[:]
            node.input.extend([source, "", "", size])
    model.graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in constants.items()
    )


def _use_opset(model: onnx.ModelProto, at_least: int) -> None:
    """Per-channel DequantizeLinear came with opset 13."""
    if model.opset_import[0].version < at_least:
        raise ValueError(f"the model's opset is below {at_least}")


def _replace(field: Any, values: Iterable[Any]) -> None:
    kept = list(values)
    del field[:]
    field.extend(kept)
