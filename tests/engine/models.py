"""Small honest ONNX models for the tests of weights, sessions and quantisation."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 16


def brightness(dtype: type = np.float32, opset: int = 15) -> onnx.ModelProto:
    """(1, 3, SIDE, SIDE) -> sigmoid of the mean colour, and a second output that nobody needs."""
    tensor_type = TensorProto.FLOAT16 if dtype == np.float16 else TensorProto.FLOAT
    weights = numpy_helper.from_array(np.full((1, 3, 1, 1), 4 / 3, dtype), "weights")
    nodes = [
        helper.make_node("Cast", ["input"], ["wide"], "cast_in", to=tensor_type),
        helper.make_node("Conv", ["wide", "weights"], ["grey"], "conv"),
        helper.make_node("Sigmoid", ["grey"], ["narrow"], "sigmoid"),
        helper.make_node("Cast", ["narrow"], ["matte"], "cast_out", to=TensorProto.FLOAT),
        helper.make_node("Cast", ["grey"], ["feature"], "cast_feature", to=TensorProto.FLOAT),
    ]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [
            helper.make_tensor_value_info("matte", TensorProto.FLOAT, [1, 1, SIDE, SIDE]),
            helper.make_tensor_value_info("feature", TensorProto.FLOAT, [1, 1, SIDE, SIDE]),
        ],
        [weights],
    )
    return _model(graph, opset)


def convolution(weights: np.ndarray, bias: np.ndarray, side: int = SIDE) -> onnx.ModelProto:
    """A padded convolution with ReLU: what the networks consist of."""
    nodes = [
        helper.make_node("Conv", ["input", "w", "b"], ["sum"], "body/conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["sum"], ["output"], "body/relu"),
    ]
    channels = weights.shape[1]
    graph = helper.make_graph(
        nodes,
        "convolution",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, channels, side, side])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, len(weights), side, side])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")],
    )
    return _model(graph, 15)


def _model(graph: onnx.GraphProto, opset: int) -> onnx.ModelProto:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    return model
