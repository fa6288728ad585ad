"""Turns deformable convolutions that were unrolled for export back into the operator of their own.

BiRefNet's public ONNX files were exported for opset 17, which has no DeformConv. So each of their
deformable convolutions (Zhu et al. 2019, arXiv 1811.11168) is some sixty nodes around four
GatherND, which hold the four neighbours of each sampled place, for all channels at once. `rewrite`
finds these and puts one DeformConv, which came with opset 19, in the place of each.

It is a pure function of the graph and writes the same bytes every time.
"""

from __future__ import annotations

import onnx
from onnx import AttributeProto

from ..opset import raise_opset
from ..quantise import drop_unused
from .check import agrees
from .graph import OPSET, Reader
from .pattern import recognise
from .replace import replacement


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
    reader = Reader(result)
    found = [recognise(reader, node) for node in graph.node if node.op_type == "Conv"]
    proven = [one for one in found if one is not None and agrees(reader, one)]
    if not proven or not raise_opset(result, OPSET):
        return result
    replacements: dict[str, list[onnx.NodeProto]] = {}
    for one in proven:
        replacements |= replacement(reader, one)
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
    """Drop the shape records of tensors that no longer exist."""
    made = {name for node in graph.node for name in node.output}
    kept = [info for info in graph.value_info if info.name in made]
    del graph.value_info[:]
    graph.value_info.extend(kept)
