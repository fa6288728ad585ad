"""Opens network files with a runtime: onnxruntime, or OpenVINO where asked for. ModelUnavailable.

Whatever else a runtime raises is for the caller to translate.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelUnavailable
from . import binding, guard
from .runtime import ort

Tensor = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output as the file declares it; a dimension that is no int is dynamic.

    dtype: None for kinds that numpy lacks, and for outputs that are no tensors.
    """

    name: str
    shape: tuple[int | str | None, ...]
    dtype: np.dtype[Any] | None


@dataclass(frozen=True, slots=True)
class Opened:
    """`call(output, input, tensor)` runs the network for one output; both by name."""

    inputs: Sequence[Port]
    outputs: Sequence[Port]
    call: Callable[[str, str, Tensor], Any]


@dataclass(frozen=True, slots=True)
class Provider:
    """One of onnxruntime's. memory: its device's, to be bound; "" where that is the host's."""

    name: str
    options: dict[str, str] = field(default_factory=dict)
    memory: str = ""


# Which algorithm suits a convolution is looked up: trying them all, as by default, would take
# seconds for each size of picture that comes for the first time.
PROVIDERS = {
    "cpu": Provider("CPUExecutionProvider"),
    "cuda": Provider("CUDAExecutionProvider", {"cudnn_conv_algo_search": "HEURISTIC"}, "cuda"),
}
_ONNX_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int64)": np.int64,
}
_OPENVINO_TYPES = {"f32": np.float32, "f16": np.float16, "f64": np.float64, "u8": np.uint8}


def onnxruntime(path: Path, device: str, threads: int, *, arena: bool) -> Opened:
    """`arena`: keep memory between runs, in one store that all sessions share."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.enable_cpu_mem_arena = arena
    if arena:
        _register_arena()
        options.add_session_config_entry("session.use_env_allocators", "1")
    options.log_severity_level = 3
    provider = PROVIDERS[device]
    if provider.name not in ort.get_available_providers():
        raise ModelUnavailable(
            "REMOVAL_DEVICE=cuda, but this onnxruntime has no CUDA provider. Install "
            "onnxruntime-gpu in place of onnxruntime, or set REMOVAL_DEVICE=cpu."
        )
    try:
        session = ort.InferenceSession(path, options, [(provider.name, provider.options)])
    except Exception as error:  # onnxruntime raises a class of its own for every failure
        raise guard.refusal(f"{path} could not be opened: {error}") from error
    if provider.name not in session.get_providers():
        raise ModelUnavailable(
            "REMOVAL_DEVICE=cuda, but the CUDA provider did not start: is a driver installed, and "
            "do its libraries match onnxruntime-gpu? Or set REMOVAL_DEVICE=cpu."
        )

    def call(output: str, source: str, tensor: Tensor) -> Any:
        return session.run([output], {source: tensor})[0]

    if provider.memory:
        call = binding.Bound(session, provider.memory).run
    return Opened(_ports(session.get_inputs()), _ports(session.get_outputs()), call)


def _ports(nodes: Sequence[Any]) -> list[Port]:
    return [
        Port(
            node.name,
            tuple(node.shape or ()),
            np.dtype(_ONNX_TYPES[node.type]) if node.type in _ONNX_TYPES else None,
        )
        for node in nodes
    ]


@functools.cache
def _register_arena() -> None:
    """Once a process and its forks: sessions that share an arena take turns in the same memory."""
    memory = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    ort.create_and_register_allocator(memory, None)


def openvino(path: Path, device: str, threads: int, *, arena: bool) -> Opened:
    """It keeps its memory by itself: `device` and `arena` have no bearing on it."""
    try:
        import openvino
    except ImportError as error:
        raise ModelUnavailable(
            "REMOVAL_DEVICE=openvino, but the package is missing: "
            "`.venv/bin/python -m pip install openvino`, or set REMOVAL_DEVICE=cpu."
        ) from error
    options = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    try:
        compiled = openvino.Core().compile_model(path, "CPU", options)
    except RuntimeError as error:
        raise ModelUnavailable(f"{path} could not be opened by OpenVINO: {error}") from error

    def call(output: str, source: str, tensor: Tensor) -> Any:
        request = compiled.create_infer_request()  # one per call: requests are not shared
        return request.infer({source: tensor})[compiled.output(output)]

    return Opened(_openvino_ports(compiled.inputs), _openvino_ports(compiled.outputs), call)


def _openvino_ports(nodes: Sequence[Any]) -> list[Port]:
    found = []
    for node in nodes:
        kind = node.element_type.get_type_name()
        shape = tuple(None if one.is_dynamic else one.get_length() for one in node.partial_shape)
        dtype = np.dtype(_OPENVINO_TYPES[kind]) if kind in _OPENVINO_TYPES else None
        found.append(Port(node.any_name, shape, dtype))
    return found
