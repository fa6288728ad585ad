"""Static int8: near to fp32, the same on every processor, the same bytes every time."""

import numpy as np
import onnx
import pytest

from removal.engine.networks import quantise
from removal.engine.networks.runtime import ort

from .models import SIDE, brightness, convolution


def run(model: onnx.ModelProto, tensor: np.ndarray, **options: object) -> np.ndarray:
    chosen = ort.SessionOptions()
    for name, value in options.items():
        setattr(chosen, name, value)
    session = ort.InferenceSession(
        model.SerializeToString(), chosen, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"input": tensor})[0]


@pytest.fixture
def layer():
    numbers = np.random.default_rng(7)
    weights = numbers.normal(size=(8, 32, 3, 3)).astype(np.float32)
    tensor = numbers.uniform(0, 4, (1, 32, SIDE, SIDE)).astype(np.float32)
    model = convolution(weights, numbers.normal(size=8).astype(np.float32))
    exact = run(model, tensor)
    return model, tensor, {"input": (0, 4), "output": (0, float(exact.max()))}, exact


def test_int8_is_within_two_per_cent_of_fp32(layer):
    model, tensor, ranges, exact = layer
    coded = run(quantise.quantise(model, ranges), tensor)
    assert np.abs(coded - exact).mean() < 0.02 * exact.mean()


def test_int8_gives_the_same_through_fast_kernels_and_through_plain_arithmetic(layer):
    """The kernels of processors without VNNI add pairs of products in 16 bits."""
    model, _, ranges, _ = layer
    brightest = np.full((1, 32, SIDE, SIDE), 4, np.float32)
    coded = quantise.quantise(model, ranges)
    off = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    step = (ranges["output"][1]) / 255
    fast, plain = run(coded, brightest), run(coded, brightest, graph_optimization_level=off)
    assert np.abs(fast - plain).max() <= 1.01 * step


def test_no_pair_of_weight_codes_can_overflow_16_bits():
    weights = np.ones((4, 6, 3, 3), np.float32)
    codes, steps = quantise.weight_codes(weights)
    pairs = np.moveaxis(codes, 1, -1).reshape(4, -1, 2).astype(int)
    assert (255 * np.abs(pairs.sum(axis=2))).max() < 2**15
    np.testing.assert_allclose(codes * steps[0], weights, rtol=0.02)


@pytest.mark.parametrize(
    ("bounds", "zero"), [((0, 5), 0), ((-5, 0), 255), ((-1, 3), 64), ((0, 0), 0), ((2, 4), 0)]
)
def test_zero_has_a_code_of_its_own(bounds, zero):
    scale = quantise.scale_of(bounds)
    assert scale.zero == zero
    assert scale.step > 0


def test_the_same_model_gives_the_same_bytes(layer):
    model, _, ranges, _ = layer
    first, second = (quantise.quantise(model, ranges).SerializeToString() for _ in range(2))
    assert first == second


def test_nodes_may_stay_in_float(layer):
    model, tensor, ranges, exact = layer
    kept = quantise.quantise(model, ranges, ("body",))
    np.testing.assert_array_equal(run(kept, tensor), exact)


def test_a_half_precision_model_becomes_float32_with_one_output():
    tensor = np.linspace(-1, 1, 3 * SIDE * SIDE, dtype=np.float32).reshape(1, 3, SIDE, SIDE)
    half = brightness(np.float16)
    wide = quantise.to_float32(half)
    types = {tensor.data_type for tensor in wide.graph.initializer}
    assert types == {onnx.TensorProto.FLOAT}
    assert [node.op_type for node in wide.graph.node] == ["Conv", "Sigmoid"]
    assert len(wide.graph.output) == 1
    np.testing.assert_allclose(run(wide, tensor), run(half, tensor), atol=2e-3)


def test_a_missing_range_is_an_error(layer):
    with pytest.raises(KeyError):
        quantise.quantise(layer[0], {"input": (0, 1)})
