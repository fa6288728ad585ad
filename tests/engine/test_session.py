"""Which network is opened, on which device, and what is refused with which reason."""

import importlib.util
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import onnx
import pytest

from removal.engine import InvalidOption, ModelUnavailable
from removal.engine.networks import cpu, ram, session
from removal.engine.networks.ram import Memory
from removal.engine.networks.runtime import ort
from removal.engine.networks.session import Settings

from .models import SIDE, brightness, convolution


@pytest.fixture
def own_model(tmp_path):
    path = tmp_path / "own.onnx"
    onnx.save(brightness(), path)
    path.with_suffix(".json").write_text(
        '{"normalisation": "half", "output": "matte", "min_max": false}'
    )
    return path


@pytest.fixture
def no_loaded_networks(monkeypatch):
    monkeypatch.setattr(session, "_loaded", {})


@pytest.mark.parametrize(
    ("flags", "recipe"),
    [
        ({"sse4_1", "avx", "avx2", "fma"}, "int8"),
        ({"avx2", "avx512f", "avx512_vnni"}, "int8"),
        ({"asimd", "asimddp"}, "int8"),
        ({"asimd", "fp"}, "fp32"),
        ({"sse4_1", "avx"}, "fp32"),
        (set(), "fp32"),
    ],
)
def test_the_processor_decides_the_build(flags, recipe):
    assert session.precision_for(flags) == recipe


def test_cpu_flags_are_read_from_both_spellings():
    assert cpu.parse_cpuinfo(["model name\t: X", "flags\t\t: fpu avx2", "flags : other"]) == {
        "fpu",
        "avx2",
    }
    assert cpu.parse_cpuinfo(["Features\t: fp asimddp"]) == {"fp", "asimddp"}
    assert cpu.parse_cpuinfo(["processor : 0"]) == frozenset()


def test_settings_come_from_the_environment():
    settings = Settings.from_environment(
        {"REMOVAL_MODEL": "u2netp", "REMOVAL_QUALITY": "fast", "REMOVAL_BUILD": "int8"}
    )
    assert (settings.model, settings.quality, settings.build) == ("u2netp", "fast", "int8")


def test_settings_have_defaults():
    settings = Settings.from_environment({"REMOVAL_QUALITY": ""})
    assert (settings.model, settings.quality, settings.device) == ("isnet", "best", "cpu")


@pytest.mark.parametrize(
    "name",
    ["REMOVAL_MODEL", "REMOVAL_QUALITY", "REMOVAL_BUILD", "REMOVAL_DEVICE", "MODEL_NORMALISATION"],
)
def test_an_unknown_choice_names_the_setting_and_what_is_allowed(name):
    with pytest.raises(ModelUnavailable, match=f"{name}='no' is not known. Allowed: "):
        Settings.from_environment({name: "no"})


@pytest.mark.parametrize("number", ["abc", "-1", "1.5", "\u00b2", "9" * 5000])
def test_threads_that_are_no_number_are_not_taken_for_all_cores(number):
    with pytest.raises(ModelUnavailable, match=r"REMOVAL_THREADS='.*' is not a whole number"):
        Settings.from_environment({"REMOVAL_THREADS": number})


def test_a_setting_may_lie_in_a_file(tmp_path):
    names = {"REMOVAL_THREADS": "3\n", "REMOVAL_MODEL": "u2netp\n", "MODEL_PATH": "/own.onnx\n"}
    for name, value in names.items():
        (tmp_path / name).write_text(value)
    settings = Settings.from_environment({f"{name}_FILE": str(tmp_path / name) for name in names})
    assert (settings.threads, settings.model) == (3, "u2netp")
    assert str(settings.model_path) == "/own.onnx"


def test_a_setting_whose_file_is_missing_is_refused():
    with pytest.raises(ModelUnavailable, match="REMOVAL_MODEL_FILE='/nowhere' cannot be read"):
        Settings.from_environment({"REMOVAL_MODEL_FILE": "/nowhere"})


@pytest.mark.skipif(
    "CUDAExecutionProvider" in ort.get_available_providers(), reason="CUDA is installed here"
)
def test_cuda_without_its_provider_is_refused(own_model):
    with pytest.raises(ModelUnavailable, match="Install onnxruntime-gpu"):
        session.load(Settings(device="cuda", model_path=own_model))


@pytest.mark.skipif(importlib.util.find_spec("openvino") is not None, reason="OpenVINO is here")
def test_openvino_without_its_package_is_refused(own_model):
    with pytest.raises(ModelUnavailable, match="pip install openvino"):
        session.load(Settings(device="openvino", model_path=own_model))


def test_an_own_model_is_run(own_model):
    networks = session.load(Settings(model_path=own_model))
    assert networks.second is None
    tensor = np.full((1, 3, SIDE, SIDE), 0.5, np.float32)
    np.testing.assert_allclose(networks.main.run(tensor), 1 / (1 + np.exp(-2)), atol=1e-6)


def test_an_own_model_that_is_missing_is_refused(tmp_path):
    with pytest.raises(ModelUnavailable, match="MODEL_PATH names"):
        session.load(Settings(model_path=tmp_path / "absent.onnx"))


def test_an_own_model_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "text.onnx"
    path.write_text("not a network")
    with pytest.raises(ModelUnavailable, match="could not be opened"):
        session.load(Settings(model_path=path, normalisation="half"))


def test_an_own_model_with_another_kind_of_input_is_refused(tmp_path):
    path = tmp_path / "grey.onnx"
    onnx.save(convolution(np.ones((1, 1, 3, 3), np.float32), np.zeros(1, np.float32)), path)
    with pytest.raises(ModelUnavailable, match=r"takes one colour picture, \(1, 3, side, side\)"):
        session.load(Settings(model_path=path, normalisation="half"))


def test_networks_are_loaded_once(own_model, monkeypatch, no_loaded_networks):
    monkeypatch.setenv("MODEL_PATH", str(own_model))
    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(lambda _: session.networks(), range(8)))
    assert len({id(networks) for networks in loaded}) == 1


def test_further_networks_are_loaded_when_asked_for_and_the_least_used_leave(
    own_model, monkeypatch, no_loaded_networks
):
    monkeypatch.setenv("MODEL_PATH", str(own_model))
    monkeypatch.setenv("REMOVAL_MODELS", "u2netp,isnet")
    monkeypatch.setenv("REMOVAL_QUALITY", "fast")
    monkeypatch.setenv("REMOVAL_MODELS_LOADED", "2")
    assert session.Settings.from_environment().offered == ("own", "u2netp", "isnet")
    own = session.networks()
    assert session.loaded() == ("own",)
    small = session.networks("u2netp").main
    assert (own.main.name, small.name) == ("own.onnx", "u2netp-fp32")
    assert session.networks("own") is own
    session.networks("isnet")
    assert session.loaded() == ("own", "isnet")
    with pytest.raises(InvalidOption, match="u2netp"):
        session.networks("nonsense")
    with pytest.raises(ModelUnavailable, match="fetch_models"):
        session.networks("silueta")


@pytest.mark.parametrize(
    ("less", "stays"), [({}, True), ({"free": 1}, False), ({"limit": 1100}, False)]
)
def test_a_network_leaves_where_the_memory_for_another_is_in_use_or_not_there(
    less, stays, own_model, monkeypatch, no_loaded_networks
):
    monkeypatch.setenv("MODEL_PATH", str(own_model))
    recipe = own_model.with_suffix(".json")
    recipe.write_text(recipe.read_text().replace("{", '{"memory_mib": 700, ', 1))
    monkeypatch.setenv("REMOVAL_MODELS", "u2netp")
    enough = Memory(8000, 8000)
    monkeypatch.setattr(ram, "read", lambda: enough)
    session.networks()
    little = replace(enough, **less)
    monkeypatch.setattr(ram, "read", lambda: enough if not session.loaded() else little)
    session.networks("u2netp")
    assert session.loaded() == (("own", "u2netp") if stays else ("u2netp",))


@pytest.mark.parametrize(
    "error",
    [
        "BFCArena: Failed to allocate memory for requested buffer of size 2147483648",
        "CUDA failure 2: out of memory ; GPU=0",
        "CUDNN_STATUS_ALLOC_FAILED",
        "std::bad_alloc",
    ],
)
def test_a_network_leaves_where_a_runtime_has_no_memory_for_another(
    error, own_model, monkeypatch, no_loaded_networks
):
    monkeypatch.setenv("MODEL_PATH", str(own_model))
    monkeypatch.setenv("REMOVAL_MODELS", "u2netp")
    session.networks()
    opener = ort.InferenceSession

    def opened(*given: object) -> object:
        if session.loaded():
            raise RuntimeError(error)
        return opener(*given)

    monkeypatch.setattr(ort, "InferenceSession", opened)
    session.networks("u2netp")
    assert session.loaded() == ("u2netp",)


FORKING = """
import os
from removal.engine.networks import session

inherited = session.networks()
session.warm()
child = os.fork()
if child == 0:
    session.warm()
    os._exit(7 if session.networks() is not inherited else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_loads_and_runs_its_own(own_model):
    """In a process of its own: a fork of pytest's would inherit all its threads' locks."""
    environment = os.environ | {"MODEL_PATH": str(own_model)}
    command = [sys.executable, "-c", FORKING]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "7", done.stderr


def test_warm_describes_what_runs(own_model, monkeypatch, no_loaded_networks):
    monkeypatch.setenv("MODEL_PATH", str(own_model))
    monkeypatch.setenv("REMOVAL_THREADS", "3")
    described = session.warm()
    assert (described.model, described.device, described.threads) == ("own.onnx", "cpu", 3)


def test_one_network_serves_many_threads(own_model):
    network = session.load(Settings(model_path=own_model)).main
    tensors = [np.full((1, 3, SIDE, SIDE), value, np.float32) for value in np.linspace(-1, 1, 32)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(network.run, tensors))
    for tensor, matte in zip(tensors, found, strict=True):
        np.testing.assert_array_equal(matte, network.run(tensor))


@pytest.mark.parametrize(("quality", "networks"), [("fast", 1), ("best", 2)])
def test_only_the_best_quality_needs_a_second_network(quality, networks):
    assert len(session.models_needed(Settings(quality=quality))) == networks
