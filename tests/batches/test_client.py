"""The command-line client against the running server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import pictures
from tests.serving import ROOT, Server

pytestmark = pytest.mark.xdist_group("client")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("client"), REMOVAL_SLOTS="1", REMOVAL_QUEUE_LENGTH="0")
    server.wait()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def key(server):
    made = server.manage("issue_api_key", "shop@example.com").strip()
    server.manage("grant_credits", "shop@example.com", "10", "--reason", "test")
    return made


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("one.jpg", "two.JPG", "drei bäume.png"):
        (folder / name).write_bytes(pictures.portrait())
    (folder / "notes.txt").write_text("no picture")
    return folder


def run(server, key, folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "removal.client", folder, "--url", server.url, *arguments],
        cwd=ROOT, env=os.environ | {"API_KEY": key}, capture_output=True, text=True,
    )  # fmt: skip


def test_a_folder_is_cut_out_though_the_server_is_full(server, key, folder):
    done = run(server, key, folder, "--parallel", "3")  # one place, no queue: most hear 429
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3 done, 0 failed")
    assert sorted(path.name for path in folder.glob("*.cutout.png")) == [
        "drei bäume.png.cutout.png", "one.jpg.cutout.png", "two.JPG.cutout.png",
    ]  # fmt: skip
    again = run(server, key, folder)
    assert again.stdout.strip() == "0 done, 0 failed, 0 credits charged"


def test_folders_below_and_files_without_an_ending_are_cut_out_too(server, key, tmp_path):
    source, results = tmp_path / "photos", tmp_path / "results"
    kept = ["a.jpg", "below/a.jpg", "below/DSC1.HIF", "photo", "n" * 251 + ".jpg"]
    for name in [*kept, ".hidden.jpg", "below/._a.jpg"]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(pictures.portrait())

    done = run(server, key, source, "--output", results, "-r", "--set", "test=true")

    assert done.stdout.startswith("5 done, 0 failed"), done.stderr
    found = {str(path.relative_to(results)) for path in results.rglob("*.cutout.png")}
    assert len(found) == 5
    assert {"a.jpg.cutout.png", "below/a.jpg.cutout.png", "photo.cutout.png"} < found
    again = run(server, key, source, "--output", results, "-r", "--set", "test=true")
    assert again.stdout.startswith("0 done")


def test_what_was_lost_on_the_way_is_not_charged_twice(server, key, folder):
    first = run(server, key, folder, "--set", "output.format=webp")
    results = list(folder.glob("*.cutout.webp"))
    assert len(results) == 3
    before = server.manage("audit_ledger")
    content = results[0].read_bytes()
    results[0].unlink()
    second = run(server, key, folder, "--set", "output.format=webp")
    assert second.stdout.startswith("1 done")
    assert results[0].read_bytes() == content
    assert server.manage("audit_ledger") == before
    assert first.returncode == second.returncode == 0


def test_a_bad_picture_is_named_and_the_others_are_done(server, key, folder):
    (folder / "bad.jpg").write_bytes(b"no picture")
    done = run(server, key, folder)
    assert done.returncode == 1
    assert done.stdout.startswith("3 done, 1 failed")
    assert "bad.jpg: " in done.stderr


def test_it_says_what_is_wrong_with_how_it_was_called(server, key, folder):
    assert "http://" in run(server, key, folder, "--url", "ftp://x").stderr
    assert "NAME=VALUE" in run(server, key, folder, "--set", "test").stderr
    assert "API_KEY" in run(server, "", folder).stderr
