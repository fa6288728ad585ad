"""ONNX models with a deformable convolution unrolled as exporters for opset 17 do, in small."""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


@dataclass(frozen=True)
class Deformable:
    """A deformable convolution (Zhu et al. 2019) of a batch of one."""

    kernel: tuple[int, int] = (3, 3)
    stride: int = 1
    pad: int = 1
    dilation: int = 1
    mask: bool = True
    channels: int = 4
    filters: int = 5
    size: tuple[int, int] = (9, 11)
    bias: bool = True
    normalised: bool = False

    @property
    def places(self) -> int:
        return self.kernel[0] * self.kernel[1]

    @property
    def output(self) -> tuple[int, int]:
        reach = [self.dilation * (k - 1) + 1 for k in self.kernel]
        height, width = (
            (n + 2 * self.pad - r) // self.stride + 1 for n, r in zip(self.size, reach, strict=True)
        )
        return height, width

    def feeds(self) -> dict[str, np.ndarray]:
        """Offsets of up to a few pixels, some of them far out of the picture."""
        numbers = np.random.default_rng(3)
        offset = numbers.normal(0, 2, (1, 2 * self.places, *self.output))
        offset[numbers.random(offset.shape) < 0.1] *= 20
        arrays = {"input": numbers.normal(size=(1, self.channels, *self.size)), "offset": offset}
        if self.mask:
            arrays["mask"] = numbers.random((1, self.places, *self.output))
        return {name: array.astype(np.float32) for name, array in arrays.items()}


class Graph:
    """Nodes and constants as they are added; `add` returns the name of what a node makes."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: object) -> str:
        output = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def constant(self, value: object, dtype: type = np.int64) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, dtype), name))
        return name

    def reshape(self, name: str, *shape: int) -> str:
        return self.add("Reshape", name, self.constant(shape))

    def half(self, name: str, axis: int) -> str:
        start, end = self.constant([axis]), self.constant([axis + 1])
        return self.add("Slice", name, start, end, self.constant([3]))


def unrolled(one: Deformable, opset: int = 17) -> onnx.ModelProto:
    """`input`, `offset` and `mask` -> `output`, by way of four GatherND."""
    graph = Graph()
    margin = one.pad or 1  # the border of zeros that places outside are led to
    padded = tuple(n + 2 * margin for n in one.size)
    count = one.places * one.output[0] * one.output[1]
    places = graph.add(
        "Add",
        graph.constant(_sampled(one, margin - one.pad), np.float32),
        graph.reshape("offset", 1, 1, one.places, 2, *one.output),
    )
    floor = graph.add("Floor", places)
    whole = graph.add("Cast", floor, to=TensorProto.INT64)
    near = [graph.half(whole, axis) for axis in (0, 1)]
    far = [graph.add("Add", name, graph.constant(1)) for name in near]
    sides = [
        [
            graph.add("Clip", name, graph.constant(0), graph.constant(limit - 1))
            for name, limit in zip(side, padded, strict=True)
        ]
        for side in (near, far)
    ]
    fraction = graph.add("Sub", places, floor)
    parts = [graph.half(fraction, axis) for axis in (0, 1)]
    rests = [graph.add("Sub", graph.constant(1, np.float32), part) for part in parts]
    shares = {
        (y, x): graph.reshape(
            graph.add("Mul", (rests, parts)[x][1], (rests, parts)[y][0]),
            *(1, 1, 1, one.places, *one.output),
        )
        for y, x in ((0, 0), (1, 1), (1, 0), (0, 1))
    }
    widths = graph.constant([0, 0, margin, margin] * 2)
    source = graph.add("Pad", "input", widths, mode="constant")
    source = graph.reshape(source, 1, 1, one.channels, *padded)
    products = []
    for (y, x), share in shares.items():
        index = graph.add(
            "Concat",
            graph.reshape(sides[y][0], 1, 1, count, 1),
            graph.reshape(sides[x][1], 1, 1, count, 1),
            axis=3,
        )
        last = graph.add("Transpose", source, perm=[0, 1, 3, 4, 2])
        values = graph.add("GatherND", last, index, batch_dims=2)
        values = graph.add("Transpose", values, perm=[0, 1, 3, 2])
        values = graph.reshape(values, 1, 1, one.channels, one.places, *one.output)
        products.append(graph.add("Mul", share, values))
    samples = graph.add("Sum", *products)
    if one.mask:
        mask = graph.reshape("mask", 1, 1, 1, one.places, *one.output)
        samples = graph.add("Mul", samples, mask)
    samples = graph.reshape(samples, 1, one.channels, *one.kernel, *one.output)
    samples = graph.add("Transpose", samples, perm=[0, 1, 4, 2, 5, 3])
    columns = [n * k for n, k in zip(one.output, one.kernel, strict=True)]
    samples = graph.reshape(samples, 1, one.channels, *columns)
    numbers = np.random.default_rng(5)
    weights = numbers.normal(size=(one.filters, one.channels, *one.kernel))
    result = graph.add(
        "Conv",
        samples,
        graph.constant(weights, np.float32),
        kernel_shape=one.kernel,
        strides=one.kernel,
        group=1,
    )
    if one.bias:
        bias = numbers.normal(size=(1, one.filters, 1, 1))
        result = graph.add("Add", result, graph.constant(bias, np.float32))
    if one.normalised:
        parameters = numbers.uniform(0.5, 2, (4, one.filters))
        first, *others = (graph.constant(values, np.float32) for values in parameters)
        names = [graph.add("Identity", first), *others]  # as where another has the same values
        result = graph.add("BatchNormalization", result, *names, epsilon=1e-3)
    graph.add("Relu", result, output="output")
    return _model(graph, one, opset)


def _sampled(one: Deformable, start: int) -> np.ndarray:
    """(1, 1, places, 2, height, width): where the undeformed kernel samples the padded input."""
    steps = np.indices(one.kernel).reshape(2, one.places).T * one.dilation
    table = np.indices(one.output) * one.stride + start
    return (table + steps[:, :, None, None])[None, None]


def _model(graph: Graph, one: Deformable, opset: int) -> onnx.ModelProto:
    made = helper.make_graph(
        graph.nodes,
        "unrolled",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape)
            for name, array in one.feeds().items()
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, (1, one.filters, *one.output))],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model
