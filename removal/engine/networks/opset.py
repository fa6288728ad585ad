"""Raises a model's opset where every node goes on meaning what it meant."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import defs, helper, numpy_helper

OLDEST = 13  # before, too many operators were changed since
LATEST = 19
ONNX = ("", "ai.onnx")

# Operators whose versions from OLDEST to LATEST only took more types, or inputs and attributes that
# may be left out.
_ALIKE = frozenset(
    {
        "Add",
        "BatchNormalization",
        "Cast",
        "CastLike",
        "Constant",
        "CumSum",
        "DequantizeLinear",
        "Div",
        "Equal",
        "GreaterOrEqual",
        "Identity",
        "LeakyRelu",
        "LessOrEqual",
        "Mul",
        "PRelu",
        "Pad",
        "Pow",
        "QuantizeLinear",
        "Relu",
        "Reshape",
        "Resize",
        "ScatterElements",
        "ScatterND",
        "Shape",
        "Size",
        "Sub",
        "Trilu",
        "Where",
    }
)
_REDUCTIONS = frozenset(
    {
        "ReduceL1",
        "ReduceL2",
        "ReduceLogSum",
        "ReduceLogSumExp",
        "ReduceMax",
        "ReduceMean",
        "ReduceMin",
        "ReduceProd",
        "ReduceSumSquare",
    }
)


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators that `model` uses; 0 if it names none."""
    return max((e.version for e in model.opset_import if e.domain in ONNX), default=0)


def raise_opset(model: onnx.ModelProto, version: int) -> bool:
    """Have `model` use at least opset `version` (LATEST at most), in place; False if it cannot.

    A model that already does, and one that cannot, is left as it is. It cannot where it is older
    than OLDEST, has functions of its own, or a node's operator changed in a way not known here.
    """
    current = opset_of(model)
    if current >= version:
        return True
    nodes = [node for node in model.graph.node if node.domain in ONNX]
    known = all(_can_be_raised(node, current, version) for node in nodes)
    if current < OLDEST or model.functions or not known:
        return False
    for node in nodes:
        if current < 18 <= version:
            _to_opset_18(model.graph, node)
    for entry in model.opset_import:
        if entry.domain in ONNX:
            entry.version = version
    model.ir_version = max(model.ir_version, helper.OP_SET_ID_VERSION_MAP["ai.onnx", version])
    return True


def _can_be_raised(node: onnx.NodeProto, current: int, version: int) -> bool:
    if node.op_type in _ALIKE or node.op_type in _REDUCTIONS or node.op_type == "Split":
        return True
    try:
        schemas = [defs.get_schema(node.op_type, until) for until in (current, version)]
    except defs.SchemaError:
        return False
    return schemas[0].since_version == schemas[1].since_version


def _to_opset_18(graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    """Axes of reductions became an input; an equal split says into how many parts."""
    if node.op_type in _REDUCTIONS:
        axes = next((a for a in node.attribute if a.name == "axes"), None)
        if axes is not None:
            name = f"{node.output[0]}_axes"
            graph.initializer.append(numpy_helper.from_array(np.array(axes.ints, np.int64), name))
            node.input.append(name)
            node.attribute.remove(axes)
    elif node.op_type == "Split" and len(node.input) < 2:
        node.attribute.append(helper.make_attribute("num_outputs", len(node.output)))
