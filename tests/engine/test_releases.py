"""Fetching published files from a release server of our own that misbehaves in every usual way."""

import hashlib
import json
import multiprocessing
import resource
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from removal.engine import ModelUnavailable
from removal.engine.networks import ram, session, weights
from removal.engine.networks.catalog import BUILDS, MODELS, Build, Model, Release
from removal.engine.networks.ram import Memory
from removal.engine.networks.recipes import UNIT, Recipe

from .models import SIDE, convolution

SIZE = 64 * 1024


class Server(ThreadingHTTPServer):
    """Serves `content` at /tiny.onnx, after what `script` says of the next answers."""

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.script, self.asked = content, [], []
        self.address = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        self.server.asked.append((self.path, start))
        kind = self.server.script.pop(0) if self.server.script else "good"
        body = self.server.content
        if kind == "redirect":
            return self.answer(302, b"", Location="/elsewhere/tiny.onnx")
        if kind == "html":
            return self.answer(200, b"<h1>Sign in</h1>", **{"Content-Type": "text/html"})
        if kind == "absent":
            return self.answer(404, b"no")
        if kind == "other part":
            return self.answer(206, body[:5], **{"Content-Range": f"bytes 3-8/{len(body)}"})
        if kind == "changed":
            body = bytes(len(body))
        if kind == "longer":
            body += b"!"
        ranged = start and kind != "no ranges"
        part = body[start:] if ranged else body
        headers = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if ranged else {}
        cut = len(part) // 2 if kind == "cut" else 0 if kind == "silent" else None
        return self.answer(206 if ranged else 200, part, cut, **headers)

    def answer(self, status, body, cut=None, **headers):
        self.send_response(status)
        for name, value in ({"Content-Type": "application/octet-stream"} | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:cut])

    def log_message(self, *args):
        pass


@pytest.fixture
def published():
    import numpy as np

    model = convolution(np.full((1, 3, 3, 3), 1 / 27, np.float32), np.zeros(1, np.float32))
    model.doc_string = "x" * SIZE
    return model.SerializeToString()


@pytest.fixture
def server(published):
    with Server(published) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def folder(tmp_path, monkeypatch, published, server):
    """An empty folder of weights, and `tiny`, which the server has."""
    recipe = Recipe(
        SIDE, normalisation=UNIT, min_max=False, memory_mib=90, licence="non-commercial"
    )
    release = Release(("http://127.0.0.1:1/tiny.onnx",), len(published))
    digest = hashlib.sha256(published).hexdigest()
    monkeypatch.setitem(MODELS, "tiny", Model("tiny", "Tiny", release, digest, recipe, "no sale"))
    monkeypatch.setitem(BUILDS, "tiny-fp32", Build("tiny-fp32", "tiny", "fp32"))
    monkeypatch.setenv("REMOVAL_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("REMOVAL_MODELS_MIRROR", server.address)
    return tmp_path / "models"


@pytest.fixture
def accepted(folder):
    weights.accept_licence("tiny")
    return folder


def fetch():
    weights.ensure_models(["tiny"])
    return weights.path_of("tiny-fp32")


@pytest.mark.parametrize("script", [["redirect"], ["cut"], ["cut", "cut", "no ranges"]])
def test_redirects_and_cut_connections_end_well(script, accepted, server):
    server.script = list(script)
    assert fetch().is_file()
    assert not (accepted / "partial").exists()
    loaded = session.load(session.Settings(model="tiny"))
    assert loaded.info.model == "tiny-fp32"


def test_goes_on_where_the_last_try_ended(accepted, server):
    server.script = ["cut", "silent"]
    with pytest.raises(ModelUnavailable, match="what has arrived is kept"):
        fetch()
    half = len(server.content) // 2
    assert (accepted / "partial" / "tiny.part").stat().st_size == half
    fetch()
    assert [start for _, start in server.asked] == [0, half, half]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("html", "a web page in place of the file"),
        ("absent", "status 404"),
        ("changed", "has SHA-256"),
        ("longer", "the server offers"),
    ],
)
def test_what_is_not_the_file_is_refused_and_nothing_of_it_is_kept(kind, says, accepted, server):
    server.script = [kind]
    with pytest.raises(ModelUnavailable, match=says):
        fetch()
    assert not (accepted / "tiny.published.onnx").exists()
    fetch()


def test_another_part_than_asked_for_is_refused(accepted, server):
    server.script = ["cut", "other part"]
    with pytest.raises(ModelUnavailable, match="another part"):
        fetch()


def test_a_full_disk_is_told_and_what_has_arrived_is_kept(accepted):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE // 2, before[1]))
    try:
        with pytest.raises(ModelUnavailable, match="could not be stored"):
            fetch()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (accepted / "tiny.published.onnx").exists()
    fetch()


def test_two_processes_at_once_fetch_it_once(accepted, server):
    fork = multiprocessing.get_context("fork")  # with the row of `tiny`
    others = [fork.Process(target=fetch) for _ in range(2)]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
    assert [other.exitcode for other in others] == [0, 0]
    assert len(server.asked) == 1


def test_a_file_is_hashed_once_on_its_way(accepted, published, tmp_path, monkeypatch):
    read, file_digest = [], hashlib.file_digest
    monkeypatch.setattr(
        hashlib, "file_digest", lambda *given: read.append(given) or file_digest(*given)
    )
    fetch()
    assert len(read) == 1
    file = tmp_path / "brought.onnx"
    file.write_bytes(published)
    weights.bring("tiny", file)  # hashed as it is copied
    (accepted / "tiny-fp32.onnx").unlink()
    fetch()
    assert len(read) == 1


def test_no_mirror_and_no_server_names_the_address_and_the_ways_out(accepted, monkeypatch):
    monkeypatch.delenv("REMOVAL_MODELS_MIRROR")
    with pytest.raises(ModelUnavailable, match=r"127\.0\.0\.1:1/tiny\.onnx.*--from FILE"):
        fetch()


@pytest.mark.parametrize("mirror", ["file:///etc", "models"])
def test_a_mirror_is_a_web_address(mirror, accepted, monkeypatch):
    monkeypatch.setenv("REMOVAL_MODELS_MIRROR", mirror)
    with pytest.raises(ModelUnavailable, match="no http"):
        fetch()


def test_a_licence_that_is_not_permissive_is_to_be_accepted_first(folder, server):
    with pytest.raises(CommandError, match="--accept-licence tiny"):
        call_command("fetch_models", "tiny")
    assert not server.asked
    call_command("fetch_models", "tiny", accept_licence=["tiny"])
    record = json.loads((folder / "accepted-licences.json").read_text())
    assert record["tiny"]["licence"] == "no sale"
    (folder / "accepted-licences.json").unlink()
    with pytest.raises(ModelUnavailable, match="--accept-licence tiny"):
        session.load(session.Settings(model="tiny"))


def test_a_file_from_elsewhere_is_checked_and_built(
    accepted, server, published, tmp_path, monkeypatch, capsys
):
    file = tmp_path / "brought.onnx"
    for content, says in ((published[:-1], "bytes"), (published[:-1] + b"!", "SHA-256")):
        file.write_bytes(content)
        with pytest.raises(CommandError, match=f"{says}.* recorded for tiny"):
            call_command("fetch_models", "tiny", file=file)
    file.write_bytes(published)
    monkeypatch.setattr(ram, "read", lambda: Memory(64, 64))
    call_command("fetch_models", "tiny", file=file)
    assert (
        "tiny: It takes up to 90 MiB of memory, and this machine has 64" in capsys.readouterr().err
    )
    assert weights.path_of("tiny-fp32").is_file()
    assert not server.asked


def test_a_built_file_that_changed_is_refused(accepted):
    with fetch().open("ab") as stream:
        stream.write(b"!")
    with pytest.raises(ModelUnavailable, match="damaged"):
        weights.path_of("tiny-fp32")


def test_only_what_the_settings_need_is_fetched():
    assert session.models_needed(session.Settings(model="u2netp")) == ("u2netp",)
    assert session.models_needed(session.Settings(quality="fast")) == ("isnet",)


def test_the_documentation_has_the_memory_and_licence_of_each_network():
    """What the guard compares is what the operator read."""
    lines = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8").splitlines()
    for model in MODELS.values():
        if isinstance(model.source, Release):
            (row,) = (line for line in lines if line.startswith(f"| `{model.name}` |"))
            assert f"| {model.recipe.memory_mib:,} MiB" in row
            assert f"| {model.recipe.licence}: {model.licence} |" in row


def test_the_list_names_every_row(capsys):
    call_command("fetch_models", list=True)
    told = capsys.readouterr().out
    assert all(name in told for name in MODELS)
    assert told.count("untried here") == 13
