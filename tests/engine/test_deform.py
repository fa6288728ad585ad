"""Unrolled deformable convolutions become DeformConv, or stay as they are."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from removal.engine.networks import deform
from removal.engine.networks.deform import check, graph, pattern
from removal.engine.networks.opset import raise_opset
from removal.engine.networks.runtime import ort

from .unrolled import Deformable, unrolled


def run(model: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> np.ndarray:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, feeds)[0]


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize(
    "one",
    [
        Deformable(),
        Deformable(kernel=(1, 1), pad=0, mask=False),
        Deformable(kernel=(7, 7), pad=3, bias=False),
        Deformable(kernel=(1, 1), pad=0, normalised=True),
        Deformable(bias=False, normalised=True, size=(12, 12)),
        Deformable(kernel=(3, 3), pad=0, channels=1, filters=1),
        Deformable(kernel=(3, 2), stride=2, pad=2, dilation=2, size=(12, 10)),
    ],
    ids=repr,
)
def test_an_unrolled_convolution_becomes_one_operator_of_the_same_output(one):
    model = unrolled(one)
    native = deform.rewrite(model)
    assert sorted(set(operators(native)) - {"Reshape"}) == ["DeformConv", "Relu"]
    onnx.checker.check_model(native, full_check=True)
    np.testing.assert_allclose(
        run(native, one.feeds()), run(model, one.feeds()), rtol=1e-4, atol=1e-4
    )


def test_the_same_model_gives_the_same_bytes_and_stays_itself():
    model = unrolled(Deformable())
    before = model.SerializeToString()
    first, second = (deform.rewrite(model).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second
    assert model.SerializeToString() == before


def test_only_what_the_convolution_samples_goes_with_it():
    model = unrolled(Deformable())
    total = node(model, "Sum")
    kept = helper.make_tensor_value_info(total.output[0], onnx.TensorProto.FLOAT, None)
    model.graph.output.append(kept)
    native = deform.rewrite(model)
    assert {"DeformConv", "GatherND", "Sum"} <= set(operators(native))
    assert "Conv" not in operators(native)


def node(model: onnx.ModelProto, operator: str, index: int = 0) -> onnx.NodeProto:
    return [node for node in model.graph.node if node.op_type == operator][index]


def edit(operator: str, place: int, change: Callable[[np.ndarray], np.ndarray], index: int = 0):
    """Change the constant that is an operator's input number `place`."""

    def apply(model: onnx.ModelProto) -> None:
        name = node(model, operator, index).input[place]
        tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
        tensor.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(tensor)), name))

    return apply


def rename(operator: str, other: str, index: int = 0):
    def apply(model: onnx.ModelProto) -> None:
        node(model, operator, index).op_type = other

    return apply


def attribute(operator: str, name: str, value: object):
    def apply(model: onnx.ModelProto) -> None:
        attributes = node(model, operator).attribute
        kept = [a for a in attributes if a.name != name]
        del attributes[:]
        attributes.extend([*kept, helper.make_attribute(name, value)])

    return apply


def swap(operator: str, index: int = 0):
    """Exchange the first two inputs of an operator."""

    def apply(model: onnx.ModelProto) -> None:
        inputs = node(model, operator, index).input
        inputs[0], inputs[1] = inputs[1], inputs[0]

    return apply


def one_place_moved(table: np.ndarray) -> np.ndarray:
    moved = table.copy()
    moved[0, 0, 4, 1, 3, 3] += 1
    return moved


BROKEN = {
    "places half a pixel further": edit("Add", 0, lambda table: table + np.float32(0.5)),
    "one place moved": edit("Add", 0, one_place_moved),
    "rounding up": rename("Floor", "Ceil"),
    "whole parts of half precision": attribute("Cast", "to", onnx.TensorProto.INT32),
    "far side two further": edit("Add", 1, lambda one: one + 1, index=1),
    "kept one row short": edit("Clip", 2, lambda limit: limit - 1),
    "kept off the first row": edit("Clip", 1, lambda limit: limit + 1),
    "rows and columns exchanged": swap("Concat"),
    "shares of two": edit("Sub", 0, lambda one: one + 1, index=1),
    "a margin that repeats the edge": attribute("Pad", "mode", "edge"),
    "an uneven margin": edit("Pad", 1, lambda widths: widths + np.eye(8, dtype=np.int64)[6]),
    "the largest neighbour, not their sum": rename("Sum", "Max"),
    "a mask that is added": rename("Mul", "Add", index=8),
    "kernel transposed": attribute("Transpose", "perm", [0, 1, 3, 4, 2, 5]),
    "overlapping steps": attribute("Conv", "strides", [1, 1]),
    "dilated": attribute("Conv", "dilations", [2, 2]),
    "padded": attribute("Conv", "pads", [1, 1, 1, 1]),
    "padded by itself": attribute("Conv", "auto_pad", "SAME_UPPER"),
    "two groups": attribute("Conv", "group", 2),
    "gathered otherwise": attribute("GatherND", "batch_dims", 1),
    "of another domain": lambda model: setattr(node(model, "Conv"), "domain", "example"),
}


@pytest.mark.parametrize("breakage", BROKEN.values(), ids=BROKEN)
def test_what_is_not_a_deformable_convolution_stays_as_it_is(breakage):
    model = unrolled(Deformable())
    breakage(model)
    assert deform.rewrite(model) == model


def test_one_that_claims_to_be_huge_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(pattern, "LARGEST", 9 * 11 - 1)
    model = unrolled(Deformable())
    assert deform.rewrite(model) == model


def test_one_broken_among_others_stays_alone():
    """Two in a row; the second has its neighbours' shares exchanged."""
    first, second = unrolled(Deformable(filters=4)), unrolled(Deformable())
    swap("Concat")(second)
    second = onnx.compose.add_prefix(second, "second_")
    both = onnx.compose.merge_models(first, second, [("output", "second_input")])
    native = deform.rewrite(both)
    assert operators(native).count("DeformConv") == 1
    assert operators(native).count("GatherND") == 4


def test_a_recognised_one_is_compared_on_random_input():
    model = unrolled(Deformable(kernel=(3, 2), stride=2, pad=2, dilation=2))
    reader = graph.Reader(model)
    read = pattern._read(reader, node(model, "Conv"))
    assert check.agrees(reader, read)
    for wrong in (
        {"pads": graph.YX(1, 2)},
        {"strides": graph.YX(2, 1)},
        {"dilations": graph.YX(2, 1)},
        {"size": graph.YX(11, 9)},
        {"mask": None},
    ):
        assert not check.agrees(reader, replace(read, **wrong))


def test_the_check_of_many_channels_takes_some_of_them(monkeypatch):
    one = Deformable(channels=40, filters=3)
    monkeypatch.setattr(check, "CHECK_BYTES", 4 * 2 * one.places * one.output[0] * one.output[1])
    taken = []
    plain = check._run
    monkeypatch.setattr(
        check,
        "_run",
        lambda model, feeds: taken.append(feeds["input"].shape[1]) or plain(model, feeds),
    )
    native = deform.rewrite(unrolled(one))
    assert taken == [2, 2]
    np.testing.assert_allclose(
        run(native, one.feeds()), run(unrolled(one), one.feeds()), rtol=1e-4, atol=1e-4
    )


class TestOpset:
    def test_what_changed_on_the_way_is_adapted(self):
        """Axes became an input of reductions, an equal split says into how many parts."""
        nodes = [
            helper.make_node("Split", ["input"], ["left", "right"], axis=1),
            helper.make_node("ReduceMean", ["left"], ["mean"], axes=[1], keepdims=1),
            helper.make_node("ReduceMax", ["right"], ["peak"], keepdims=1),
            helper.make_node("Add", ["mean", "peak"], ["output"]),
        ]
        model = small(nodes, 17)
        feeds = {"input": np.random.default_rng(1).random((1, 4, 2, 2), np.float32)}
        before = run(model, feeds)
        assert raise_opset(model, 19)
        onnx.checker.check_model(model, full_check=True)
        assert (model.opset_import[0].version, model.ir_version) == (19, 9)
        np.testing.assert_array_equal(run(model, feeds), before)

    def test_a_newer_model_stays_as_it_is(self):
        model = small([helper.make_node("Relu", ["input"], ["output"])], 21)
        before = model.SerializeToString()
        assert raise_opset(model, 19)
        assert model.SerializeToString() == before

    @pytest.mark.parametrize(("operator", "opset"), [("AveragePool", 17), ("Relu", 12)])
    def test_where_a_node_might_mean_something_else_nothing_is_raised(self, operator, opset):
        model = small([helper.make_node(operator, ["input"], ["output"])], opset)
        before = model.SerializeToString()
        assert not raise_opset(model, 19)
        assert model.SerializeToString() == before


def small(nodes: list[onnx.NodeProto], opset: int) -> onnx.ModelProto:
    shape = [1, 4, 2, 2]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, ["n", "c", "h", "w"])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
