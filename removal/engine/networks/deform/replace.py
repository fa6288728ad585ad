"""Puts one DeformConv in the place of the nodes, with the bias and normalisation that follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from ...arrays import Doubles, Floats
from .graph import Deformable, Different, Reader, attributes


def replacement(reader: Reader, one: Deformable) -> dict[str, list[onnx.NodeProto]]:
    """By the output of a node: the nodes that take its place. Their constants join the graph."""
    end = one.convolution.output[0]
    weights, bias, taken = _with_followers(reader, one)
    output = taken[-1] if taken else end
    places = one.kernel.y * one.kernel.x
    nodes = []

    def shaped(name: str, channels: int) -> str:
        """The operator needs four axes; the unrolled nodes took the values in any shape."""
        result = f"{name}_of_{output}"
        add_constant(reader.graph, f"{result}_shape", np.array([1, channels, *one.output]))
        nodes.append(helper.make_node("Reshape", [name, f"{result}_shape"], [result], result))
        return result

    offset = shaped(one.offset, 2 * places)
    mask = shaped(one.mask, places) if one.mask is not None else ""
    nodes.append(native_node(one, [one.source, weights, offset, bias, mask], output))
    return {name: [] for name in taken} | {end: nodes}


def _with_followers(reader: Reader, one: Deformable) -> tuple[str, str, list[str]]:
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
        add_constant(reader.graph, weights, scaled.astype(np.float32))
    if taken:
        bias = f"{taken[-1]}_bias"
        add_constant(reader.graph, bias, value.astype(np.float32))
    return weights, bias, taken


def _added(reader: Reader, name: str, channels: int) -> tuple[str, Floats] | None:
    """The sum of `name` and a constant of each channel, where nothing else reads it, and that."""
    node = reader.only_consumer(name, "Add")
    if node is None:
        return None
    try:
        bias, _ = reader.with_constant(node.output[0], "Add")
    except Different:
        return None
    fits = bias.dtype == np.float32 and bias.shape in ((channels, 1, 1), (1, channels, 1, 1))
    return (node.output[0], bias.ravel()) if fits else None


def _normalised(reader: Reader, name: str) -> tuple[str, Doubles, Doubles, Doubles] | None:
    """`name` after a BatchNormalization, where nothing else reads it: that, and per channel the
    factor, the mean and the shift in (value - mean) * factor + shift."""
    node = reader.only_consumer(name, "BatchNormalization")
    if node is None or len(node.output) != 1 or attributes(node).get("training_mode"):
        return None
    try:
        values = [reader.constant(parameter).astype(np.float64) for parameter in node.input[1:]]
    except Different:
        return None
    scale, shift, mean, variance = values
    factor = scale / np.sqrt(variance + attributes(node).get("epsilon", 1e-5))
    return node.output[0], factor, mean, shift


def native_node(one: Deformable, inputs: list[str], output: str) -> onnx.NodeProto:
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


def add_constant(graph: onnx.GraphProto, name: str, value: NDArray[Any]) -> None:
    graph.initializer.append(numpy_helper.from_array(value, name))
