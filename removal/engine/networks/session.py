"""The networks in memory: chosen by settings and processor, loaded once a process, warmed.

The only place that knows a runtime (onnxruntime, or OpenVINO where asked for).
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from .. import threads
from ..arrays import Floats
from ..environment import Environment
from ..errors import ModelUnavailable
from . import catalog, cpu, weights
from .catalog import Normalisation
from .runtime import ort

Quality = Literal["fast", "best"]
Device = Literal["cpu", "cuda", "openvino"]
QUALITIES: tuple[Quality, ...] = ("best", "fast")
DEVICES: tuple[Device, ...] = ("cpu", "cuda", "openvino")
RECIPES = ("auto", "int8", "fp32")
# Builds that give their memory back after each run: they would keep 280 MiB to save a twentieth of
# their time. The others save a tenth to a third by keeping it.
LARGE = frozenset({"isnet-fp32"})


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator chose; each field is an environment variable."""

    model: str = "isnet"  # REMOVAL_MODEL
    quality: Quality = "best"  # REMOVAL_QUALITY
    build: str = "auto"  # REMOVAL_BUILD
    device: Device = "cpu"  # REMOVAL_DEVICE
    threads: int = 1  # REMOVAL_THREADS
    model_path: Path | None = None  # MODEL_PATH
    normalisation: str = "half"  # MODEL_NORMALISATION, for MODEL_PATH only

    @classmethod
    def from_environment(cls, values: Mapping[str, str] = os.environ) -> Settings:
        """ModelUnavailable names the variable and what it may be."""
        environment = Environment(values)
        own = environment.text("MODEL_PATH")
        return cls(
            model=environment.choice("REMOVAL_MODEL", tuple(catalog.MODELS)),
            quality=cast(Quality, environment.choice("REMOVAL_QUALITY", QUALITIES)),
            build=environment.choice("REMOVAL_BUILD", RECIPES),
            device=cast(Device, environment.choice("REMOVAL_DEVICE", DEVICES)),
            threads=threads.count(environment),
            model_path=Path(own) if own else None,
            normalisation=environment.choice("MODEL_NORMALISATION", tuple(catalog.NORMALISATIONS)),
        )


@dataclass(frozen=True, slots=True)
class Network:
    """One loaded network. `run` takes float32 (1, 3, side, side) and returns (side, side)."""

    name: str
    side: int
    normalisation: Normalisation
    stretch_output: bool
    run: Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Networks:
    """The network that draws the matte and, for quality `best`, the one that checks it."""

    main: Network
    second: Network | None
    info: EngineInfo


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What runs, for logs and /readyz."""

    model: str
    device: str
    quality: str
    threads: int

    def __str__(self) -> str:
        return f"{self.model} on {self.device}, quality {self.quality}, {self.threads} threads"


_lock = threading.Lock()
# By process. A child keeps its parent's entry: closing those sessions would wait for threads that
# it does not have.
_loaded: dict[int, Networks] = {}


def networks() -> Networks:
    """This process's networks, loaded on first use.

    A runtime's threads do not survive a fork, so a child loads its own. ModelUnavailable.
    """
    own = _loaded.get(os.getpid())
    if own is None:
        with _lock:
            own = _loaded.get(os.getpid()) or load(Settings.from_environment())
            _loaded[os.getpid()] = own
    return own


def warm() -> EngineInfo:
    """Load and run once, so that the first request does not pay for it. ModelUnavailable."""
    ready = networks()
    for network in filter(None, (ready.main, ready.second)):
        network.run(np.zeros((1, 3, network.side, network.side), np.float32))
    return ready.info


def load(settings: Settings) -> Networks:
    """Open what the settings ask for. ModelUnavailable says what is missing and what mends it."""
    second = None
    if settings.model_path:
        main = _own(settings, settings.model_path)
    else:
        main = _catalogued(f"{settings.model}-{_recipe(settings)}", settings)
        if settings.quality == "best" and settings.model == "isnet":
            second = _catalogued("u2netp-fp32", settings)
    names = " + ".join(network.name for network in (main, second) if network)
    info = EngineInfo(names, settings.device, settings.quality, settings.threads)
    return Networks(main, second, info)


def recipe_for(flags: Set[str]) -> catalog.Recipe:
    """The build that a processor runs faster; on known mattes both err alike."""
    return "int8" if cpu.has_fast_int8(flags) else "fp32"


def _recipe(settings: Settings) -> str:
    if settings.model != "isnet" or settings.device == "cuda":
        return "fp32"
    if settings.build != "auto":
        return settings.build
    return recipe_for(cpu.flags())


def _catalogued(build: str, settings: Settings) -> Network:
    model = catalog.MODELS[catalog.BUILDS[build].model]
    run, _ = _open(weights.path_of(build), settings, arena=build not in LARGE)
    return Network(build, model.side, model.normalisation, model.stretch_output, run)


def _own(settings: Settings, path: Path) -> Network:
    if not path.is_file():
        raise ModelUnavailable(f"MODEL_PATH names {path}, which is not a file.")
    run, shape = _open(path, settings)
    if len(shape) != 4 or shape[1] != 3 or not isinstance(shape[2], int) or shape[2] != shape[3]:
        raise ModelUnavailable(
            f"MODEL_PATH: the input of {path.name} has the shape {shape}; it must be a fixed "
            "(1, 3, side, side). docs/models.md says what an own model must look like."
        )
    chosen = catalog.NORMALISATIONS[settings.normalisation]
    return Network(path.name, shape[2], chosen, stretch_output=False, run=run)


def _open(
    path: Path, settings: Settings, *, arena: bool = False
) -> tuple[Callable[[Floats], Floats], list[Any]]:
    if settings.device == "openvino":
        return _open_openvino(path, settings)
    return _open_onnxruntime(path, settings, arena)


def _open_onnxruntime(
    path: Path, settings: Settings, arena: bool
) -> tuple[Callable[[Floats], Floats], list[Any]]:
    """`arena`: keep memory between runs, in one store that all sessions share."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.enable_cpu_mem_arena = arena
    if arena:
        _register_arena()
        options.add_session_config_entry("session.use_env_allocators", "1")
    options.log_severity_level = 3
    provider = "CUDAExecutionProvider" if settings.device == "cuda" else "CPUExecutionProvider"
    if provider not in ort.get_available_providers():
        raise ModelUnavailable(
            "REMOVAL_DEVICE=cuda, but this onnxruntime has no CUDA provider. Install "
            "onnxruntime-gpu in place of onnxruntime, or set REMOVAL_DEVICE=cpu."
        )
    try:
        session = ort.InferenceSession(path, options, providers=[provider])
    except Exception as error:  # onnxruntime raises a class of its own for every failure
        raise ModelUnavailable(f"{path} could not be opened: {error}") from error
    if provider not in session.get_providers():
        raise ModelUnavailable(
            "REMOVAL_DEVICE=cuda, but the CUDA provider did not start: is a driver installed, and "
            "do its libraries match onnxruntime-gpu? Or set REMOVAL_DEVICE=cpu."
        )
    source, output = session.get_inputs()[0], session.get_outputs()[0].name

    def run(tensor: Floats) -> Floats:
        result = session.run([output], {source.name: tensor})[0]
        return np.asarray(result, np.float32).reshape(tensor.shape[2:])

    return run, list(source.shape)


@functools.cache
def _register_arena() -> None:
    """Once a process and its forks: sessions that share an arena take turns in the same memory."""
    memory = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    ort.create_and_register_allocator(memory, None)


def _open_openvino(path: Path, settings: Settings) -> tuple[Callable[[Floats], Floats], list[Any]]:
    try:
        import openvino
    except ImportError as error:
        raise ModelUnavailable(
            "REMOVAL_DEVICE=openvino, but the package is missing: "
            "`.venv/bin/python -m pip install openvino`, or set REMOVAL_DEVICE=cpu."
        ) from error
    options = {"INFERENCE_NUM_THREADS": settings.threads, "PERFORMANCE_HINT": "LATENCY"}
    try:
        compiled = openvino.Core().compile_model(path, "CPU", options)
    except RuntimeError as error:
        raise ModelUnavailable(f"{path} could not be opened by OpenVINO: {error}") from error

    def run(tensor: Floats) -> Floats:
        request = compiled.create_infer_request()  # one per call: requests are not shared
        result = request.infer([tensor])[compiled.output(0)]
        return np.asarray(result, np.float32).reshape(tensor.shape[2:])

    return run, list(compiled.input(0).shape)
