"""Reads an ONNX graph from outputs to inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ..opset import opset_of

OPSET = 19  # the first with DeformConv


class YX(NamedTuple):
    """A value for each axis of the picture."""

    y: int
    x: int


@dataclass(frozen=True, slots=True)
class Deformable:
    """One deformable convolution: the names of its tensors, its geometry.

    `source` is (1, channels, height, width), `offset` (1, 2 * kernel.y * kernel.x, rows, columns),
    `mask` the same with half the channels.
    """

    convolution: onnx.NodeProto
    source: str
    offset: str
    mask: str | None
    channels: int
    size: YX  # of the source
    output: YX
    kernel: YX
    strides: YX
    dilations: YX
    pads: YX  # on either side
    channel_axes: Mapping[str, int]  # of each Reshape inside, by the name of its output


class Different(Exception):
    """The graph is not that of an unrolled deformable convolution."""


class Reader:
    """A graph, read from consumers to producers. Different where it is not as asked for."""

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
            raise Different
        found = list(self.producers[name].input)
        require(count in (None, len(found)))
        return found

    def attributes(self, name: str) -> dict[str, Any]:
        return attributes(self.producers[name])

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
            raise Different
        return numpy_helper.to_array(value)

    def integers(self, name: str) -> tuple[int, ...]:
        """A constant's values, which are whole."""
        value = self.constant(name)
        require(value.dtype == np.int64)
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
        require(self.attributes(name).get("perm") == list(order))
        return source

    def sliced(self, name: str) -> tuple[str, int]:
        """What `name` is cut from, and which coordinate it is: 0 or 1 on axis 3."""
        source, *limits = self.inputs(name, "Slice")
        values = [self.integers(limit) for limit in limits]
        for coordinate in (0, 1):
            start, end, axis, step = (coordinate,), (coordinate + 1,), (3,), (1,)
            if values in ([start, end, axis], [start, end, axis, step]):
                return source, coordinate
        raise Different

    def only_consumer(self, name: str, operator: str) -> onnx.NodeProto | None:
        """The node that alone reads `name`, if it is that."""
        consumers = self.consumers.get(name, [])
        alone = name not in self.outputs and len(consumers) == 1
        return consumers[0] if alone and consumers[0].op_type == operator else None


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def require(*conditions: bool) -> None:
    if not all(conditions):
        raise Different
