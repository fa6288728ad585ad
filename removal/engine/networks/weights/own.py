"""The operator's own file as a processor runs it well: from half precision, a twin in float32."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from removal.engine.errors import ModelUnavailable
from removal.files import replacing

from .. import guard, half, notes


def for_processor(path: Path, folder: Path) -> Path:
    """`path` itself or, where its weights are in half precision, its twin in `folder`.

    The twin is made once, and again when the file changes. A processor computes in float32 anyway,
    and casting at every node takes time and memory (docs/models.md). ModelUnavailable where the
    twin cannot be made.
    """
    twin = place_of(path, folder)
    if twin == path:
        return path
    try:
        with guard.turn(folder, 0):
            if not _is_of(path, twin):
                _make(path, twin)
    except ModelUnavailable:
        raise
    except Exception as error:  # of onnx, protocol buffers, or the disk
        raise ModelUnavailable(
            f"{path.name} is in half precision (fp16), which no processor runs well, and could not "
            f"be turned into float32: {error}. Export it in float32, or set REMOVAL_DEVICE=cuda."
        ) from error
    return twin


def place_of(path: Path, folder: Path) -> Path:
    """What `for_processor` returns, whether it is there already or not."""
    if not half.is_in(path):
        return path
    return folder / f"own-{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}.onnx"


def _make(path: Path, twin: Path) -> None:
    import onnx

    from .. import deform

    identity = notes.identity(path)
    model = onnx.load(path)
    half.widen(model)
    content = deform.rewrite(model).SerializeToString()
    for place, data in (
        (twin, content), (_note(twin), json.dumps([str(path.resolve()), *identity]).encode())
    ):  # fmt: skip
        with replacing(place, 0o644) as stream:
            stream.write(data)


def _is_of(path: Path, twin: Path) -> bool:
    """Whether the twin was made from the file as it is now."""
    try:
        noted = json.loads(_note(twin).read_text(encoding="utf-8"))
        return twin.is_file() and noted == [str(path.resolve()), *notes.identity(path)]
    except (OSError, ValueError):
        return False


def _note(twin: Path) -> Path:
    return twin.with_suffix(".json")
