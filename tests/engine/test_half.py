"""Half precision: found in files, and turned into float32 without another change."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from removal.engine import ModelUnavailable
from removal.engine.networks import half, quantise
from removal.engine.networks.runtime import ort
from removal.engine.networks.weights import twins

from .models import SIDE, brightness

HALF, FLOAT = TensorProto.FLOAT16, TensorProto.FLOAT


def transformer() -> onnx.ModelProto:
    """As converters leave networks with a transformer in them: nodes without names and out of
    order, casts from whole numbers, constants in nodes and branches, half precision throughout."""

    def number(value: float, name: str = "") -> onnx.TensorProto:
        return numpy_helper.from_array(np.float16(value), name)

    branch = helper.make_graph(
        [helper.make_node("Constant", [], ["chosen"], value=number(0.25))],
        "branch", [], [helper.make_tensor_value_info("chosen", HALF, ())],
    )  # fmt: skip
    nodes = [
        helper.make_node("Mul", ["mean", "share"], ["scaled"]),
        helper.make_node("ReduceMean", ["pixels"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Div", ["many", "many"], ["one"]),
        helper.make_node("Cast", ["count"], ["many"], to=HALF),
        helper.make_node("Size", ["pixels"], ["count"]),
        helper.make_node("Mul", ["one", "two"], ["share"]),
        helper.make_node("Constant", [], ["two"], value=number(0.5)),
        helper.make_node("If", ["yes"], ["quarter"], then_branch=branch, else_branch=branch),
        helper.make_node("Add", ["scaled", "quarter"], ["wide"]),
        helper.make_node("Cast", ["wide"], ["single"], to=FLOAT),
        helper.make_node("Cast", ["single"], ["alphas"], to=HALF),
        helper.make_node("Identity", ["wide"], ["feature"]),
    ]
    graph = helper.make_graph(
        nodes,
        "transformer",
        [helper.make_tensor_value_info("pixels", HALF, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(name, HALF, None) for name in ("alphas", "feature")],
        [numpy_helper.from_array(np.array(True), "yes")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(model: onnx.ModelProto, dtype: type[np.floating]) -> list[np.ndarray]:
    pixels = np.linspace(0, 1, 3 * SIDE * SIDE, dtype=np.float32).reshape(1, 3, SIDE, SIDE)
    opened = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return opened.run(None, {"pixels": pixels.astype(dtype)})


def test_all_of_a_network_becomes_float32_and_its_outputs_stay_the_same():
    published = transformer()
    exact = run(published, np.float16)
    wide = onnx.ModelProto()
    wide.CopyFrom(published)
    half.widen(wide)
    assert half.is_in_model(published)
    assert not half.is_in_model(wide)
    for found, wanted in zip(run(wide, np.float32), exact, strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, atol=2e-3)
    pruned = quantise.to_float32(published)
    assert [node.op_type for node in pruned.graph.node].count("Cast") == 1  # of the whole number
    np.testing.assert_allclose(run(pruned, np.float32)[0], exact[0], atol=2e-3)


@pytest.mark.parametrize(
    "content", [b"", b"\x3a", b"\x3a\xff\xff\xff\xff\x7f", b"\xff" * 64, b"\0" * 64]
)
def test_what_is_no_network_is_in_no_precision(content, tmp_path):
    path = tmp_path / "torn.onnx"
    path.write_bytes(content)
    assert not half.is_in(path)
    assert not half.is_in(tmp_path / "absent.onnx")


def test_a_file_gets_its_twin_once_and_again_when_it_changes(tmp_path):
    path, folder = tmp_path / "own.onnx", tmp_path / "weights"
    folder.mkdir()
    onnx.save(brightness(), path)
    assert twins.for_processor(path, folder) == path
    onnx.save(brightness(np.float16), path)
    twin = twins.for_processor(path, folder)
    first = twin.stat()
    assert twins.for_processor(path, folder).stat().st_mtime_ns == first.st_mtime_ns
    onnx.save(transformer(), path)
    assert twins.for_processor(path, folder) == twin
    assert twin.stat().st_mtime_ns != first.st_mtime_ns
    assert len(list(folder.iterdir())) == 2
    with pytest.raises(ModelUnavailable, match=r"own\.onnx is in half precision .* float32: "):
        twins.for_processor(path, tmp_path / "absent")
