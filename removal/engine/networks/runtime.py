"""onnxruntime, silenced: by itself it reports to its maker and writes into the home folder.

All of ours import it from here, as only a variable set before its import keeps it from beginning.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

ort.disable_telemetry_events()  # a host program had imported it before us

__all__ = ["ort", "to_float16"]


def to_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """onnxruntime's converter: all that float16 can do, inputs and outputs included."""
    from onnxruntime.transformers.float16 import convert_float_to_float16  # takes a quarter second

    converted: onnx.ModelProto = convert_float_to_float16(model)
    return converted
