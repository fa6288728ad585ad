"""Every sample of the API documentation, run as it stands there against a running server.

ALL_SAMPLES=true (`make test-samples`) runs those of all languages.
"""

import http.server
import json
import os
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from PIL import Image

from removal.docs.samples import ELSEWHERE, filled_in
from tests import pictures
from tests.serving import serving

from .programs import EVERYWHERE, HERE, SAMPLES, commands

LANGUAGES = EVERYWHERE if os.environ.get("ALL_SAMPLES") == "true" else HERE
TASKS = ("upload", "url")
pytestmark = pytest.mark.xdist_group("samples")  # one server for all
SIZE = (200, 240)


@dataclass(frozen=True)
class Site:
    address: str
    public_id: str
    secret: str
    photo: str


class PhotoHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = pictures.portrait(*SIZE)
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def photo() -> Iterator[str]:
    """The address of a photo that the server may fetch."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), PhotoHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/photo.jpg"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, photo: str) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("site"), IMAGE_URL_ALLOW="127.0.0.1/32") as server:
        public_id, _, secret = server.manage("issue_api_key", "samples@example.com").partition(":")
        yield Site(f"http://127.0.0.1:{server.port}", public_id, secret, photo)


def run(name: str, site: Site, folder: Path) -> "subprocess.CompletedProcess[str]":
    """The sample with a real key, beside a photo.jpg; the first program that fails ends it."""
    program = folder / name
    text = filled_in(name, site.address, site.public_id, site.secret)
    program.write_text(text.replace(ELSEWHERE, site.photo))
    (folder / "photo.jpg").write_bytes(pictures.portrait(*SIZE))
    for command in commands(program):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            break
    return done


@pytest.mark.parametrize(
    ("language", "task"),
    [*product(LANGUAGES, TASKS), *product(HERE, ["hints"])],
)
def test_sample_makes_the_cut_out(language, task, site, tmp_path):
    done = run(f"{task}.{language}", site, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    with Image.open(tmp_path / "cut-out.png") as cut_out:
        assert (cut_out.format, cut_out.mode, cut_out.size) == ("PNG", "RGBA", SIZE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_sample_says_why_it_was_refused(language, site, tmp_path):
    stranger = Site(site.address, site.public_id, "no-secret", site.photo)
    done = run(f"upload.{language}", stranger, tmp_path)
    assert done.returncode != 0
    told = tmp_path / "cut-out.png"  # where curl leaves the answer, whatever it is
    assert "1004" in done.stdout + done.stderr + (told.read_text() if told.exists() else "")


def test_python_sample_of_delta_png_restores_the_cut_out(site, tmp_path):
    done = run("delta.py", site, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    with Image.open(tmp_path / "cut-out.png") as cut_out:
        assert (cut_out.mode, cut_out.size) == ("RGBA", SIZE)
        assert cut_out.getchannel("A").getextrema() == (0, 255)


def test_curl_sample_of_delta_png_fetches_one(site, tmp_path):
    done = run("delta.sh", site, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    with Image.open(tmp_path / "delta.png") as delta:
        assert (delta.mode, delta.size) == ("RGBA", SIZE)


@pytest.mark.parametrize("language", ["py", "mjs"])
def test_batch_sample_fetches_the_cut_outs(language, site, tmp_path):
    zip_of_photos(tmp_path)
    done = run(f"batch.{language}", site, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "notes.txt The file is not an image" in done.stdout
    with zipfile.ZipFile(tmp_path / "cut-outs.zip") as cut_outs:
        assert cut_outs.namelist() == ["0001-front.png", "0002-back.png"]
        with Image.open(cut_outs.open("0001-front.png")) as cut_out:
            assert (cut_out.mode, cut_out.size) == ("RGBA", SIZE)


def test_curl_sample_makes_a_batch_of_files_and_zip(site, tmp_path):
    zip_of_photos(tmp_path)
    done = run("batch.sh", site, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "batch.json").read_text())["pictures"]["total"] == 4


def zip_of_photos(folder: Path) -> None:
    """Two pictures and something else."""
    with zipfile.ZipFile(folder / "photos.zip", "w") as photos:
        photos.writestr("front.jpg", pictures.portrait(*SIZE))
        photos.writestr("back.jpg", pictures.portrait(*SIZE))
        photos.writestr("notes.txt", "no picture")


def test_every_task_is_shown_in_every_language():
    found = {path.name for path in SAMPLES.iterdir()}
    assert {f"{task}.{language}" for task in TASKS for language in EVERYWHERE} <= found
