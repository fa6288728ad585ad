"""Half precision (fp16) in network files: found, turned into float32 for processors, and made."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

# Where onnx.proto has element types, by the numbers of its fields: of the graph's weights, of its
# nodes' constants, and of its inputs.
PLACES = ((7, 5, 2), (7, 1, 5, 5, 2), (7, 11, 2, 1, 1))
# The kinds of protocol buffers' fields.
VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5
FLOAT, FLOAT16 = 1, 10  # of TensorProto.DataType
TYPE_ATTRIBUTES = ("to", "dtype")


class Torn(Exception):
    """The bytes are no protocol buffer."""


def is_in(path: Path) -> bool:
    """Whether weights, constants or inputs of a file are float16, told without reading the weights.

    False where it is no network, which opening it will say.
    """
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as data:
            return any(FLOAT16 in _numbers(data, 0, len(data), place) for place in PLACES)
    except (OSError, ValueError, Torn):
        return False


def is_in_model(model: onnx.ModelProto) -> bool:
    """Whether weights, constants or casts are float16."""
    return any(
        tensor.data_type == FLOAT16 for graph in _graphs(model) for tensor in graph.initializer
    ) or any(
        attribute.t.data_type == FLOAT16
        or (attribute.name in TYPE_ATTRIBUTES and attribute.i == FLOAT16)
        for node in _nodes(model)
        for attribute in node.attribute
    )


def widen(model: onnx.ModelProto) -> None:
    """Turn every float16 tensor, cast, input and output into float32, in place; names stay."""
    for graph in _graphs(model):
        del graph.value_info[:]
        for tensor in graph.initializer:
            _widen(tensor)
        for port in (*graph.input, *graph.output):
            kind = port.type.tensor_type
            if kind.elem_type == FLOAT16:
                kind.elem_type = FLOAT
    for node in _nodes(model):
        for attribute in node.attribute:
            _widen(attribute.t)
            for tensor in attribute.tensors:
                _widen(tensor)
            if attribute.name in TYPE_ATTRIBUTES and attribute.i == FLOAT16:
                attribute.i = FLOAT


def narrow(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return `model`, in float32, as one that computes in float16; inputs and outputs stay float32.

    By onnxruntime's converter, which leaves in float32 what has no other kind.
    """
    from onnx import helper

    from .runtime import to_float16

    inputs, outputs = (_float_ports(ports) for ports in (model.graph.input, model.graph.output))
    result = to_float16(model)
    graph = result.graph
    # The converter could keep the ports itself, but not of files that it has made before: the names
    # of its casts are taken there.
    inner = {name: f"{name}/half" for name in inputs | outputs}
    for node in _nodes(result):
        for names in (node.input, node.output):
            names[:] = [inner.get(name, name) for name in names]
    for port in (*graph.input, *graph.output):
        if port.name in inner:
            port.type.tensor_type.elem_type = FLOAT
    for name in sorted(inputs):
        graph.node.insert(0, helper.make_node("Cast", [name], [inner[name]], to=FLOAT16))
    for name in sorted(outputs):
        graph.node.append(helper.make_node("Cast", [inner[name]], [name], to=FLOAT))
    return result


def _float_ports(ports: Iterable[onnx.ValueInfoProto]) -> set[str]:
    return {port.name for port in ports if port.type.tensor_type.elem_type == FLOAT}


def _widen(tensor: onnx.TensorProto) -> None:
    from onnx import numpy_helper

    if tensor.data_type == FLOAT16:
        values = numpy_helper.to_array(tensor).astype("float32")
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def _graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto]:
    """The main graph and those of its nodes' branches and loops."""
    waiting = [model.graph]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                waiting += [attribute.g] if attribute.HasField("g") else []
                waiting += attribute.graphs


def _nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    for graph in _graphs(model):
        yield from graph.node
    for function in model.functions:
        yield from function.node


def _numbers(data: mmap.mmap, start: int, end: int, place: tuple[int, ...]) -> Iterator[int]:
    """The numbers in the fields that `place` leads to, from message to inner message."""
    wanted, *inner = place
    for number, kind, begin, after in _fields(data, start, end):
        if number == wanted and inner and kind == LENGTH:
            yield from _numbers(data, begin, after, tuple(inner))
        elif number == wanted and not inner and kind == VARINT:
            yield begin


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Each field's number and kind, and where its content begins and ends; of a VARINT its value in
    place of where it begins."""
    while start < end:
        key, start = _varint(data, start, end)
        number, kind = key >> 3, key & 7
        begin = start
        if kind == VARINT:
            begin, start = _varint(data, start, end)
        elif kind == LENGTH:
            length, begin = _varint(data, start, end)
            start = begin + length
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            start += 8 if kind == EIGHT_BYTES else 4
        else:
            raise Torn
        if start > end or not number:
            raise Torn
        yield number, kind, begin, start


def _varint(data: mmap.mmap, start: int, end: int) -> tuple[int, int]:
    """The number there, and where what follows it begins."""
    value = 0
    for index, place in enumerate(range(start, min(start + 10, end))):
        value |= (data[place] & 127) << (7 * index)
        if data[place] < 128:
            return value, place + 1
    raise Torn
