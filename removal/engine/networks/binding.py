"""Runs a network with input and output in its device's own memory, which later runs use again.

onnxruntime's IO binding. On a graphics card each run copies the input there and one output back,
and allocates nothing. A processor has nothing to copy: there a session's own `run` does.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .runtime import ort

Tensor = NDArray[Any]
KEPT = 8  # shapes whose buffers stay: 16 MiB each for a picture of 1024 x 1024


@dataclass(frozen=True, slots=True)
class Buffers:
    """An input of one shape and type on the device, bound to a session with one of its outputs."""

    source: Any  # an OrtValue
    binding: Any  # an IOBinding, which holds the output once it has run


class Bound:
    """`run(output, input, tensor)` as a session's own, for several threads in turn."""

    def __init__(self, session: Any, memory: str) -> None:
        """memory: the device's, by onnxruntime's name: "cuda" or "cpu"."""
        self._session = session
        self._memory = memory
        self._kept: OrderedDict[tuple[Any, ...], Buffers] = OrderedDict()
        self._lock = threading.Lock()

    def run(self, output: str, source: str, tensor: Tensor) -> Any:
        """The output, in the host's memory and the caller's own."""
        with self._lock:
            buffers = self._buffers(output, source, tensor)
            try:
                buffers.source.update_inplace(np.ascontiguousarray(tensor))
                self._session.run_with_iobinding(buffers.binding)
            except Exception:
                self._kept.clear()  # whatever state a failed run has left them in
                raise
            (value,) = buffers.binding.get_outputs()
            # A copy, as on a processor this is the buffer itself, which the next run overwrites.
            return np.array(value.numpy()) if value.is_tensor() else None

    def _buffers(self, output: str, source: str, tensor: Tensor) -> Buffers:
        key = (output, source, tensor.shape, tensor.dtype)
        if key not in self._kept:
            while len(self._kept) >= KEPT:
                self._kept.popitem(last=False)
            self._kept[key] = self._bound(output, source, tensor)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _bound(self, output: str, source: str, tensor: Tensor) -> Buffers:
        value = ort.OrtValue.ortvalue_from_shape_and_type(
            tensor.shape, tensor.dtype.type, self._memory, 0
        )
        binding = self._session.io_binding()
        binding.bind_ortvalue_input(source, value)
        binding.bind_output(output, self._memory, 0)
        return Buffers(value, binding)
