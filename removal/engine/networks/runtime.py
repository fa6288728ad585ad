"""onnxruntime, silenced: by itself it reports to its maker and writes into the home folder.

All of ours import it from here, as only a variable set before its import keeps it from beginning.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

ort.disable_telemetry_events()  # a host program had imported it before us

__all__ = ["ort"]
