"""Files in another precision, made from others: once, and again when these change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from removal.engine.errors import ModelUnavailable
from removal.files import replacing

from .. import guard, half, notes

if TYPE_CHECKING:
    import onnx


def for_processor(path: Path, folder: Path) -> Path:
    """`path` itself or, where its weights are in half precision, its twin in float32 in `folder`.

    A processor computes in float32 anyway, and casting at every node takes time and memory
    (docs/models.md). ModelUnavailable where the twin cannot be made.
    """
    twin = place_of(path, folder)
    if twin == path:
        return path
    _ensure(
        path, twin, _widened,
        lambda error: f"{path.name} is in half precision (fp16), which no processor runs well, and "
        f"could not be turned into float32: {error}. Export it in float32, or set "
        "REMOVAL_DEVICE=cuda.",
    )  # fmt: skip
    return twin


def place_of(path: Path, folder: Path) -> Path:
    """What `for_processor` returns, whether it is there already or not."""
    return folder / f"own-{_digest(path)}.onnx" if half.is_in(path) else path


def place_of_half(path: Path, folder: Path, name: str) -> Path:
    """Of a float32 file's twin in half precision; `name` is its own if `path` is in `folder`."""
    return folder / (f"{name}.onnx" if path.parent == folder else f"own-{_digest(path)}-fp16.onnx")


def halve(path: Path, twin: Path) -> None:
    """Have `twin` be `path`, in float32, in half precision, its inputs and outputs kept.

    ModelUnavailable where that cannot be made.
    """
    _ensure(
        path, twin, half.narrow,
        lambda error: f"{path.name} could not be turned into half precision (fp16): {error}",
    )  # fmt: skip


def is_of(path: Path, twin: Path) -> bool:
    """Whether the twin was made from the file as it is now."""
    try:
        noted = json.loads(_note(twin).read_text(encoding="utf-8"))
        return twin.is_file() and noted == [str(path.resolve()), *notes.identity(path)]
    except (OSError, ValueError):
        return False


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]


def _widened(model: onnx.ModelProto) -> onnx.ModelProto:
    from .. import deform

    half.widen(model)
    return deform.rewrite(model)


def _ensure(
    path: Path,
    twin: Path,
    made: Callable[[onnx.ModelProto], onnx.ModelProto],
    failure: Callable[[Exception], str],
) -> None:
    """Have `twin` be what `made` makes of `path`. ModelUnavailable says `failure` of what fails."""
    try:
        with guard.turn(twin.parent, 0):
            if not is_of(path, twin):
                _make(path, twin, made)
    except ModelUnavailable:
        raise
    except Exception as error:  # of the converter, onnx, protocol buffers, or the disk
        raise ModelUnavailable(failure(error)) from error


def _make(path: Path, twin: Path, made: Callable[[onnx.ModelProto], onnx.ModelProto]) -> None:
    import onnx

    identity = notes.identity(path)
    content = made(onnx.load(path)).SerializeToString()
    for place, data in (
        (twin, content), (_note(twin), json.dumps([str(path.resolve()), *identity]).encode())
    ):  # fmt: skip
        with replacing(place, 0o644) as stream:
            stream.write(data)


def _note(twin: Path) -> Path:
    return twin.with_suffix(".source.json")
