"""What runs on a graphics card, tried on the processor: all of it but the provider's name."""

import json
import re
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from removal.engine import ModelUnavailable, threads
from removal.engine import __main__ as command_line
from removal.engine.networks import backends, binding, catalog, half, probe, ram, session, weights
from removal.engine.networks.backends import Opened
from removal.engine.networks.gather import Gatherer
from removal.engine.networks.ram import Memory
from removal.engine.networks.runtime import ort
from removal.engine.networks.session import Settings
from tests import pictures

from .models import SIDE, brightness
from .test_recipes import PLAIN, Tail, network


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


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Where twins and notes are kept, with the real weights."""
    real = weights.models_dir()
    monkeypatch.setenv("REMOVAL_MODELS_DIR", str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    for file in real.glob("*-fp32.onnx"):
        (tmp_path / "models" / file.name).symlink_to(file)
    return tmp_path / "models"


@pytest.fixture
def small(folder, card, monkeypatch) -> Settings:
    """The small real network, as if it were known to suit half precision."""
    model = catalog.MODELS["u2netp"]
    recipe = replace(model.recipe, fp16=True)
    monkeypatch.setitem(catalog.MODELS, "u2netp", replace(model, recipe=recipe))
    return Settings(model="u2netp", device="cuda")


def test_a_network_computes_in_half_precision_once_it_was_compared(
    small, folder, monkeypatch, caplog
):
    monkeypatch.setattr(probe, "ALIKE", 0.01)
    halved = session.load(small)
    assert halved.info.model == "u2netp-fp16"
    assert caplog.records == []
    twin, source = folder / "u2netp-fp16.onnx", folder / "u2netp-fp32.onnx"
    assert twin.stat().st_size < 0.6 * source.stat().st_size
    made = twin.stat().st_mtime_ns
    full = session.load(replace(small, build="fp32"))
    assert full.info.model == "u2netp-fp32"
    frame = probe.frames(full.main.recipe)[3]
    one, other = halved.main.matte(frame), full.main.matte(frame)
    assert one.dtype == np.float32
    assert 0 < np.abs(one - other).mean() < 0.01
    monkeypatch.setattr(probe, "outputs", pytest.fail)  # once is enough
    assert session.load(replace(small, build="fp16")).info.model == "u2netp-fp16"
    assert twin.stat().st_mtime_ns == made


def test_one_that_loses_too_much_is_run_in_float32(small, folder, monkeypatch, caplog):
    assert session.load(small).info.model == "u2netp-fp32"
    assert re.search(r"u2netp-fp32 is run in float32: .* by 0\.00\d+ on average", caplog.text)
    monkeypatch.setattr(probe, "outputs", pytest.fail)  # once is enough
    assert session.load(small).info.model == "u2netp-fp32"
    with pytest.raises(ModelUnavailable, match=r"on average; at most 0\.002 is"):
        session.load(replace(small, build="fp16"))


def own_network(folder: Path, one: float, **more: object) -> Settings:
    """A matte of the mean colour, times (one - 1) / (one - 1)."""
    path = folder.parent / "own.onnx"
    constants = {
        "weight": np.full((1, 3, 1, 1), 1 / 3, np.float32),
        "nearly": np.float32(one),
        "one": np.float32(1),
    }
    nodes = [
        helper.make_node("Conv", ["pixels", "weight"], ["grey"]),
        helper.make_node("Sub", ["nearly", "one"], ["share"]),
        helper.make_node("Mul", ["grey", "share"], ["faint"]),
        helper.make_node("Div", ["faint", "share"], ["matte"]),
    ]
    graph = helper.make_graph(
        nodes,
        "own",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, (1, 3, SIDE, SIDE))],
        [helper.make_tensor_value_info("matte", TensorProto.FLOAT, (1, 1, SIDE, SIDE))],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    recipe = {"normalisation": "unit", "fp16": True}
    path.with_suffix(".json").write_text(json.dumps(recipe | more))
    return Settings(model_path=path, device="cuda")


def test_an_own_file_is_halved_where_its_recipe_allows(folder, card, monkeypatch):
    opener, alive = ort.InferenceSession, weakref.WeakSet[Any]()

    def opened(*given: Any) -> Any:
        assert len(alive) == 0  # a card may not have the memory for two
        alive.add(found := opener(*given))
        return found

    monkeypatch.setattr(ort, "InferenceSession", opened)
    assert session.load(own_network(folder, 1.5)).info.model == "own-fp16"
    (twin,) = folder.glob("own-*-fp16.onnx")
    assert half.is_in(twin)
    model = onnx.load(twin)
    assert {
        port.type.tensor_type.elem_type for port in (*model.graph.input, *model.graph.output)
    } == {TensorProto.FLOAT}
    onnx.checker.check_model(model, full_check=True)
    assert session.load(own_network(folder, 1.5, fp16=False)).info.model == "own.onnx"
    with pytest.raises(ModelUnavailable, match='Put "fp16": true into its recipe'):
        session.load(replace(own_network(folder, 1.5, fp16=False), build="fp16"))


def test_what_is_no_number_in_half_precision_is_run_in_float32(folder, card, caplog):
    network = session.load(own_network(folder, 1.0001)).main
    assert network.name == "own.onnx"
    grey = np.full((SIDE, SIDE, 3), 51, np.uint8)
    np.testing.assert_allclose(network.matte(grey), 0.2, atol=1e-5)
    assert "own.onnx is run in float32: own-fp16: On plain frames" in caplog.text
    assert "no numbers (NaN)" in caplog.text


def test_a_network_of_which_nothing_is_known_stays_in_float32(folder, card):
    assert session.load(Settings(model="u2netp", device="cuda")).info.model == "u2netp-fp32"
    assert list(folder.glob("*-fp16*")) == []


def test_half_precision_is_not_for_processors(folder):
    for device in ("cpu", "openvino"):
        with pytest.raises(ModelUnavailable, match="fp16 goes with REMOVAL_DEVICE=cuda, not"):
            session.load(Settings(build="fp16", device=device))


def test_where_nothing_can_be_written_it_stays_in_float32(folder, card, caplog, monkeypatch):
    def full(*given: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(half, "narrow", full)
    assert session.load(own_network(folder, 1.5)).main.name == "own.onnx"
    assert "could not be turned into half precision (fp16): No space left" in caplog.text
    assert list(folder.glob("*-fp16*")) == []
    monkeypatch.setitem(backends.PROVIDERS, "cuda", backends.Provider("AbsentProvider"))
    caplog.clear()
    with pytest.raises(ModelUnavailable, match="no CUDA provider"):  # nothing to fall back from
        session.load(own_network(folder, 1.5))
    assert caplog.records == []


ALONE: Tail = [
    ("Reshape", ("grey", np.array([1, 1, SIDE, SIDE])), "matte", {})
]  # as exporters leave it
MIXED: Tail = [
    ("ReduceMean", ("grey",), "mean", {"keepdims": 0}),  # of all pictures of a run
    ("Mul", ("mean", 0.1), "tenth", {}),
    ("Mul", ("grey", 0.9), "most", {}),
    ("Add", ("most", "tenth"), "matte", {}),
]


class Crowd:
    """Threads that call a network while it is held by the first of them."""

    def __init__(self, folder: Path, tail: list[Any], wait_until: Callable[..., Any]) -> None:
        path = folder.parent / "many.onnx"
        network(path, *tail, shape=("N", 3, "H", "W"))
        recipe = {"normalisation": "unit", "side": SIDE, "min_max": False}
        path.with_suffix(".json").write_text(json.dumps(recipe))
        self.alone = session.load(Settings(model_path=path)).main
        self.network = session.load(Settings(model_path=path, device="cuda")).main
        self.gatherer = cast(Gatherer, self.network.run.__self__)  # type: ignore[attr-defined]
        self.runs: list[int] = []
        self._wait_until = wait_until

    def run(self, tensors: list[np.ndarray]) -> list[Future[np.ndarray]]:
        one, several, may_run = self.gatherer._one, self.gatherer._several, threading.Event()

        def held(tensor: np.ndarray) -> np.ndarray:
            assert may_run.wait(60)
            return one(tensor)

        def counted(together: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
            self.runs.append(len(together))
            return several(together)

        self.gatherer._one, self.gatherer._several = held, counted
        with ThreadPoolExecutor(len(tensors)) as pool:
            first = pool.submit(self.network.run, tensors[0])
            self._wait_until(lambda: self.gatherer._is_busy)
            others = [pool.submit(self.network.run, tensor) for tensor in tensors[1:]]
            self._wait_until(lambda: len(self.gatherer._waiting) == len(others))
            may_run.set()
        self.gatherer._one, self.gatherer._several = one, several
        return [first, *others]


def test_pictures_that_wait_share_runs_and_come_out_as_alone(folder, card, wait_until):
    crowd = Crowd(folder, PLAIN, wait_until)
    tensors = [noise(side=32, seed=seed) for seed in range(7)]
    *found, wrong = crowd.run([*tensors, noise(side=32)[:, :2]])
    assert sorted(crowd.runs) == [2, 4]
    for tensor, future in zip(tensors, found, strict=True):
        np.testing.assert_array_equal(future.result(), crowd.alone.run(tensor))
    with pytest.raises(Exception, match="invalid dimensions"):  # which hurts none of the others
        wrong.result()
    np.testing.assert_array_equal(crowd.network.run(tensors[0]), crowd.alone.run(tensors[0]))


@pytest.mark.parametrize(("tail", "reason"), [(ALONE, "Reshape"), (MIXED, "in one run differs by")])
def test_a_network_that_takes_pictures_for_one_another_s_runs_each_alone(
    tail, reason, folder, card, wait_until, caplog
):
    crowd = Crowd(folder, tail, wait_until)
    tensors = [noise(side=SIDE, seed=seed) for seed in range(5)]
    for _ in range(2):
        for tensor, future in zip(tensors, crowd.run(tensors), strict=True):
            np.testing.assert_array_equal(future.result(), crowd.alone.run(tensor))
    assert crowd.runs == []
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("Pictures do not share runs from now on: ")
    assert reason in line


def test_a_file_of_one_picture_a_run_gathers_none(tmp_path, card):
    settings = own_network(tmp_path / "models", 1.5, fp16=False)
    assert not hasattr(session.load(settings).main.run, "__self__")


def test_a_folder_is_worked_on_by_threads_that_share_the_card(
    folder, card, tmp_path, monkeypatch, capsys
):
    path, photos = tmp_path / "many.onnx", tmp_path / "photos"
    network(path, *PLAIN, shape=("N", 3, "H", "W"))
    path.with_suffix(".json").write_text(f'{{"normalisation": "unit", "side": {SIDE}}}')
    photos.mkdir()
    for number in range(5):
        (photos / f"{number}.png").write_bytes(pictures.portrait(40 + number, 50, "PNG"))
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    monkeypatch.setenv("MODEL_PATH", str(path))
    monkeypatch.setattr(threads, "available_cores", lambda: 4)
    monkeypatch.setattr(ram, "read", lambda: Memory(8000, 2 * session.PICTURE_MIB))
    two, convert = threading.Barrier(2, timeout=60), command_line._convert

    def at_once(*given: Any) -> str:
        two.wait()
        return convert(*given)

    for device in ("cpu", "cuda"):
        monkeypatch.setattr(session, "_loaded", {})
        monkeypatch.setenv("REMOVAL_DEVICE", device)
        if device == "cuda":
            monkeypatch.setattr(command_line, "_convert", at_once)
        assert command_line.main([str(photos), str(tmp_path / device)]) == 1
        assert capsys.readouterr().err.count("broken.jpg: ") == 1
    alone, together = (
        {file.name: file.read_bytes() for file in (tmp_path / device).iterdir()}
        for device in ("cpu", "cuda")
    )
    assert len(alone) == 5
    assert alone == together


def test_a_processor_works_on_one_picture_and_so_does_what_is_wrongly_set(monkeypatch):
    assert session.pictures_at_once() == 1
    monkeypatch.setenv("REMOVAL_DEVICE", "nonsense")
    assert session.pictures_at_once() == 1
