"""A network and its recipe: run rightly, or refused with the reason and the line that mends it."""

import json
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from removal.engine import ModelUnavailable
from removal.engine.matting import letterbox
from removal.engine.matting.predict import predict
from removal.engine.networks import backends, catalog, ports, probe, recipes, session
from removal.engine.networks.session import Settings

Tail = list[tuple[Any, ...]]  # operator, inputs, output, attributes
SIDE = 32
FLOAT, HALF_FLOAT, UINT8 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8
NUMBERS = {FLOAT: np.float32, HALF_FLOAT: np.float16}


def network(path, *tail, shape=(1, 3, SIDE, SIDE), dtype=FLOAT, outputs=("matte",), extra=()):
    """A file whose tensor `grey` is the red channel of its input, then `tail`: (operator, inputs,
    output, attributes), with numbers for constants."""
    kind = NUMBERS.get(dtype, np.float32)
    first = "input"
    nodes: list[Any] = []
    constants: list[Any] = []

    def constant(value):
        if isinstance(value, str):
            return value
        name = f"constant{len(constants)}"
        array = np.asarray(value, kind if not isinstance(value, np.ndarray) else value.dtype)
        constants.append(numpy_helper.from_array(array, name))
        return name

    if dtype == UINT8:
        nodes.append(helper.make_node("Cast", ["input"], ["wide"], to=FLOAT))
        first = "wide"
    axis = np.array([3 if shape[-1] == 3 else 1], np.int64)
    channel = [constant(np.array([n], np.int64)) for n in (0, 1)]
    nodes.append(helper.make_node("Slice", [first, *channel, constant(axis)], ["grey"]))
    for operator, inputs, output, attributes in tail:
        names = [constant(value) for value in inputs]
        nodes.append(helper.make_node(operator, names, [output], **attributes))
    inputs = [helper.make_tensor_value_info("input", dtype, shape)]
    inputs += [helper.make_tensor_value_info(name, FLOAT, (1,)) for name in extra]
    ends = [helper.make_tensor_value_info(name, dtype if dtype != UINT8 else FLOAT, None)
            for name in outputs]  # fmt: skip
    graph = helper.make_graph(nodes, "made", inputs, ends, constants)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )


def linear(scale=1.0, shift=0.0, output="matte", source="grey"):
    """output = source * scale + shift"""
    return [("Mul", (source, scale), f"{output}*", {}), ("Add", (f"{output}*", shift), output, {})]


PLAIN = linear()
SIDE_MAP = linear(0.0, 0.5, "coarse")
SHRUNK = [("AveragePool", ("grey",), "small", {"kernel_shape": [2, 2], "strides": [2, 2]})]
NAN: Tail = [("Log", ("negative",), "matte", {})]
ALPHA = [("Concat", ("grey", "grey", "grey", "grey"), "rgba", {"axis": 1})]
TWO = [*linear(-1, 1, "back"), ("Concat", ("back", "grey"), "both", {"axis": 1})]

# What the file is, its recipe beside the normalisation, and the line that its refusal names.
WRONG = {
    "logits": (linear(16, -8), {}, {}, '"activation": "sigmoid"'),
    "-1..1": (linear(2, -1), {}, {}, '"activation": "tanh"'),
    "0..255": (linear(255), {}, {}, '"peak": 255'),
    "to be stretched": (linear(0.5, 0.2), {}, {}, '"min_max": true'),
    "never near 1": (linear(0.6), {}, {}, '"min_max": true'),
    "inverted": (linear(-1, 1), {}, {}, '"inverted": true'),
    "sigmoid twice": (PLAIN, {}, {"activation": "sigmoid"}, '"activation": "none"'),
    "no tanh": (PLAIN, {}, {"activation": "tanh"}, '"activation": "none"'),
    "logits for tanh": (linear(16, -8), {}, {"activation": "tanh"}, '"activation": "sigmoid"'),
    "side map first": (SIDE_MAP + PLAIN, {"outputs": ("coarse", "matte")}, {}, '"output": "'),
    "no such output": (PLAIN, {}, {"output": "alphas"}, '"output": "matte"'),
    "no such number": (PLAIN, {}, {"output": 1}, '"output": "matte"'),
    "no such input": (PLAIN, {}, {"input": "pixels"}, '"input": "input"'),
    "NaN": (linear(0, -1, "negative") + NAN, {}, {}, "no numbers (NaN)"),
    "two inputs": (PLAIN, {"extra": ("size",)}, {}, "several inputs"),
    "smaller output": (SHRUNK, {"outputs": ("small",)}, {}, "must be of that size"),
    "RGBA output": (ALPHA, {"outputs": ("rgba",)}, {}, '"channel": 3'),
    "two channels": (TWO, {"outputs": ("both",)}, {}, '"channel": 1'),
    "no such channel": (TWO, {"outputs": ("both",)}, {"channel": 7}, '"channel": 1'),
    "dynamic sides": (PLAIN, {"shape": ("N", 3, "H", "W")}, {}, '"side": 1024'),
    "another side": (PLAIN, {}, {"side": 64}, f'"side": {SIDE}'),
    "fixed sides": (PLAIN, {}, {"side": 32, "multiple": 8, "fit": "multiple"}, '"fit": "stretch"'),
    "NHWC": (PLAIN, {"shape": (1, SIDE, SIDE, 3)}, {}, "channels are to be three"),
    "four channels": (PLAIN, {"shape": (1, 4, SIDE, SIDE)}, {}, "channels are to be three"),
    "not square": (PLAIN, {"shape": (1, 3, SIDE, 48)}, {}, "no square"),
    "a batch of two": (PLAIN, {"shape": (2, 3, SIDE, SIDE)}, {}, "takes one colour picture"),
    "uint8": (PLAIN, {"dtype": UINT8}, {}, '"normalisation": "none"'),
    "for a GPU": (PLAIN, {}, {"gpu_only": True}, "REMOVAL_DEVICE=cuda"),
}

# The same files with the line; each gives the red channel's share as its matte.
RIGHT: dict[str, tuple[Any, Any, Any]] = {
    "a matte": (PLAIN, {}, {}),
    "fp16": (PLAIN, {"dtype": HALF_FLOAT}, {"output": "matte"}),
    "logits": (linear(16, -8), {}, {"activation": "sigmoid"}),
    "-1..1": (linear(2, -1), {}, {"activation": "tanh"}),
    "0..255": (linear(255), {}, {"peak": 255}),
    "stretched": (linear(0.5, 0.2), {}, {"min_max": True}),
    "inverted": (linear(-1, 1), {}, {"inverted": True}),
    "inverted logits": (linear(-16, 8), {}, {"inverted": True, "activation": "sigmoid"}),
    "by name": (SIDE_MAP + PLAIN, {"outputs": ("coarse", "matte")}, {"output": "matte"}),
    "by number": (SIDE_MAP + PLAIN, {"outputs": ("coarse", "matte")}, {"output": 1}),
    "RGBA": (ALPHA, {"outputs": ("rgba",)}, {"channel": 3}),
    "two channels": (TWO, {"outputs": ("both",)}, {"channel": 1}),
    "channels last": (
        [("Transpose", ("grey",), "last", {"perm": [0, 2, 3, 1]})], {"outputs": ("last",)}, {},
    ),
    "dynamic": (PLAIN, {"shape": ("N", 3, "H", "W")}, {"side": SIDE}),
    "uint8": (linear(1 / 255), {"dtype": UINT8}, {"normalisation": "none"}),
    "imagenet": (linear(0.229, 0.485), {}, {"normalisation": "imagenet"}),
    "half": (linear(256 / 255, 128 / 255), {}, {"normalisation": "half"}),
    "signed": (linear(0.5, 0.5), {}, {"normalisation": "signed"}),
    "numbers": (linear(2), {}, {"normalisation": {"divisor": 255, "deviation": [2, 2, 2]}}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("REMOVAL_MODELS_DIR", str(tmp_path))


def opened(tmp_path, tail, made, recipe):
    path = tmp_path / "own.onnx"
    network(path, *tail, **made)
    path.with_suffix(".json").write_text(json.dumps({"normalisation": "unit"} | recipe))
    return session.load(Settings(model_path=path))


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_refused_with_the_line_that_mends_it(case, tmp_path):
    tail, made, recipe, line = WRONG[case]
    with pytest.raises(ModelUnavailable) as refusal:
        opened(tmp_path, tail, made, recipe)
    assert line in str(refusal.value)


@pytest.mark.parametrize("case", RIGHT)
def test_what_fits_gives_the_matte_that_the_file_means(case, tmp_path):
    tail, made, recipe = RIGHT[case]
    networks = opened(tmp_path, tail, made, recipe)
    ramp = np.linspace(0, 255, SIDE, dtype=np.uint8)
    frame = np.repeat(np.tile(ramp, (SIDE, 1))[:, :, None], 3, axis=2)
    expected = np.tile(ramp / 255, (SIDE, 1))
    if recipe.get("activation") == "sigmoid":
        expected = 1 / (1 + np.exp(8 - 16 * expected))
    np.testing.assert_allclose(predict(frame, networks), expected, atol=2e-3)


def test_nothing_says_how_colours_enter(tmp_path):
    """A trial cannot tell one normalisation from another."""
    network(tmp_path / "own.onnx", *PLAIN)
    with pytest.raises(ModelUnavailable, match='Put "normalisation"'):
        session.load(Settings(model_path=tmp_path / "own.onnx"))


def test_proportions_are_kept_in_multiples_or_between_bars(tmp_path):
    dynamic = {"shape": (1, 3, "H", "W")}
    recipe = {"side": SIDE, "multiple": 8, "fit": "multiple"}
    photo = np.zeros((300, 470, 3), np.uint8)
    photo[:, 235:] = 255
    networks = opened(tmp_path, PLAIN, dynamic, recipe)
    frame, window = letterbox.for_network(photo, networks.main.recipe)
    assert frame.shape == (32, 48, 3)
    assert predict(frame, networks)[window][:, 30:].min() == 1
    padded = opened(tmp_path, PLAIN, {}, {"fit": "pad"}).main.recipe
    frame, window = letterbox.for_network(photo, padded)
    assert frame.shape == (32, 32, 3)
    assert frame[window].shape == (20, 32, 3)


def test_a_soft_matte_stays_as_it_is_unless_the_recipe_asks_for_our_corrections(tmp_path):
    frame = np.full((SIDE, SIDE, 3), 15, np.uint8)
    frame[8:24, 8:24] = 50
    soft = predict(frame, opened(tmp_path, PLAIN, {}, {}))
    np.testing.assert_allclose(soft, frame[:, :, 0] / 255, atol=1e-6)
    assert predict(frame, opened(tmp_path, PLAIN, {}, {"veil": True})).max() == 0  # a crumb


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ("[]", "a JSON object"),
        ('{"sides": 3}', "'sides' is no field"),
        ('{"side": 5}', "from 16 to 4096"),
        ('{"side": true}', "whole number"),
        ('{"fit": "crop"}', "stretch, pad, multiple"),
        ('{"fit": "multiple"}', "needs it"),
        ('{"multiple": 32, "fit": "multiple"}', 'needs "side"'),
        ('{"normalisation": "other"}', "one of half"),
        ('{"normalisation": {"deviation": [1, 0, 1]}}', "must not be 0"),
        ('{"normalisation": {"mean": [1, 2]}}', "three numbers"),
        ('{"peak": 1e999}', "above 0"),
        ('{"min_max": 1}', "true or false"),
        ("[" * 70_000, "cannot be read"),
    ],
)
def test_a_recipe_that_makes_no_sense_names_the_field(recipe, says, tmp_path):
    path = tmp_path / "recipe.json"
    path.write_text(recipe)
    with pytest.raises(ModelUnavailable) as refusal:
        recipes.read(path)
    assert says in str(refusal.value)


@pytest.mark.parametrize("name", catalog.MODELS)
def test_a_file_of_each_row_s_signature_passes_its_trial(name):
    """An honest network of the row's kind: as its recipe says, the red channel comes out."""
    recipe = catalog.MODELS[name].recipe

    def run(tensor):
        normal = recipe.normalisation
        share = (tensor[0, 0] * normal.deviation[0] + normal.mean[0]) * normal.divisor / 255
        return share * 16 - 8 if recipe.activation == "sigmoid" else share

    probe.examine(run, recipe)


def test_a_runtime_s_own_error_is_told(tmp_path):
    """Loads, then fails: a reshape to a size that the tensor does not have."""
    broken: Tail = [("Reshape", ("grey", np.array([1, 1, 7, 7], np.int64)), "matte", {})]
    with pytest.raises(ModelUnavailable, match=r"own\.onnx could not be (run|opened)"):
        opened(tmp_path, broken, {"shape": ("N", 3, "H", "W")}, {"side": SIDE})


def test_half_precision_is_taken_where_the_device_has_it():
    port = backends.Port("x", (1, 3, SIDE, SIDE), np.dtype(np.float16))
    seen = []

    def call(output, source, tensor):
        seen.append(tensor.dtype)
        return tensor[:, :1]

    half = backends.Opened([port], [port], call)
    bound = ports.bind(half, recipes.Recipe(normalisation=recipes.UNIT), "cuda")
    matte = bound.run(np.ones((1, 3, SIDE, SIDE), np.float32))
    assert seen == [np.float16]
    assert matte.dtype == np.float32
