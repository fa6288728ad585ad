"""Checks the nodes as they stand against DeformConv, on random input."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ...arrays import Floats
from ..runtime import ort
from .graph import OPSET, Deformable, Reader
from .replace import native_node

# Unrolled, a convolution can need more memory than the whole rewritten network. A check takes no
# more channels than keep each array with all their samples below this.
CHECK_BYTES = 32 * 1024 * 1024
TOLERANCE = 1e-3  # of the output's standard deviation: what rounding may do, and nothing else does


def agrees(reader: Reader, one: Deformable) -> bool:
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
    one: Deformable, channels: int, numbers: np.random.Generator
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
    reader: Reader, one: Deformable, weights: Floats, feeds: Mapping[str, Floats]
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


def _native_model(one: Deformable, weights: Floats, feeds: Mapping[str, Floats]) -> onnx.ModelProto:
    inputs = [one.source, one.convolution.input[1], one.offset, "", one.mask or ""]
    node = native_node(one, inputs, one.convolution.output[0])
    return _small_model([node], [], one, weights, feeds, OPSET)


def _small_model(
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    one: Deformable,
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
