"""What runs on a graphics card, tried on the processor: all of it but the provider's name."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import onnx
import pytest

from removal.engine.networks import backends, binding
from removal.engine.networks.backends import Opened

from .models import SIDE, brightness


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processor in the place of a graphics card."""
    stand_in = replace(backends.PROVIDERS["cpu"], memory="cpu")
    monkeypatch.setitem(backends.PROVIDERS, "cuda", stand_in)


@pytest.fixture
def pair(tmp_path, card) -> tuple[Opened, Opened]:
    """The same file as run on a processor and on a card; its output is half precision's."""
    model = brightness(np.float16)
    for axis in (0, 2, 3):
        for port in (*model.graph.input, *model.graph.output):
            port.type.tensor_type.shape.dim[axis].dim_param = f"axis {axis}"
    onnx.save(model, tmp_path / "net.onnx")
    plain, bound = (
        backends.onnxruntime(tmp_path / "net.onnx", device, 1, arena=False)
        for device in ("cpu", "cuda")
    )
    return plain, bound


def noise(count: int = 1, side: int = SIDE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 3, side, side)).astype(np.float32)


def test_a_bound_run_gives_the_very_same_bits(pair):
    plain, bound = pair
    tensors = [noise(count, side, seed) for seed in (1, 2) for count in (1, 3) for side in (8, 16)]
    strided = noise(1, 16)[:, :, ::2, ::2]
    found = [bound.call("matte", "input", one) for one in (*tensors, strided)]
    for one, matte in zip((*tensors, strided), found, strict=True):  # later runs overwrote none
        np.testing.assert_array_equal(matte, plain.call("matte", "input", one))
    feature = bound.call("feature", "input", tensors[0])
    np.testing.assert_array_equal(feature, plain.call("feature", "input", tensors[0]))


def test_buffers_are_used_again_and_few_are_kept(pair):
    runner = pair[1].call.__self__
    for side in (4, 8, 4):
        runner.run("matte", "input", noise(1, side))
    assert len(runner._kept) == 2
    (*_, kept) = runner._kept.values()
    place = kept.binding.get_outputs()[0].data_ptr()
    runner.run("matte", "input", noise(1, 4, 1))
    assert kept.binding.get_outputs()[0].data_ptr() == place
    for side in range(10, 10 + binding.KEPT):
        runner.run("matte", "input", noise(1, side))
    assert len(runner._kept) == binding.KEPT
    assert (1, 3, 4, 4) not in [key[2] for key in runner._kept]


def test_a_failed_run_leaves_nothing_behind_and_threads_take_turns(pair):
    plain, bound = pair
    with pytest.raises(Exception, match="invalid dimensions"):
        bound.call("matte", "input", noise()[:, :2])
    tensors = [noise(seed=seed) for seed in range(16)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda one: bound.call("matte", "input", one), tensors))
    for one, matte in zip(tensors, found, strict=True):
        np.testing.assert_array_equal(matte, plain.call("matte", "input", one))
