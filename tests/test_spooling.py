"""A temporary folder that is full, small or elsewhere: refused as JSON, said by /readyz."""

import base64
import json
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixian_site import spooling
from tests import pictures
from tests.serving import Server, serving
from tests.test_server import ENDPOINT, multipart

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A temporary folder of 4 MiB."""
    folder = tmp_path_factory.mktemp("small")
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="module")
def crammed(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with that folder as TMPDIR."""
    running = Server(tmp_path_factory.mktemp("crammed"), TMPDIR=str(small))
    try:
        running.wait("/healthz")
        yield running
    finally:
        running.stop()


def authorization(server: Server) -> str:
    pair = server.manage("issue_api_key", "spool@example.com")
    return "Basic " + base64.b64encode(pair.encode()).decode()


def photo(size: int) -> bytes:
    """A photo that is padded to a size."""
    return pictures.portrait() + bytes(size - len(pictures.portrait()))


def post(server: Server, content: bytes, chunked: bool = False):
    body, content_type = multipart(content)
    headers = {"Authorization": authorization(server), "Content-Type": content_type}
    sent = iter([body[at : at + MIB] for at in range(0, len(body), MIB)]) if chunked else body
    return server.ask("POST", ENDPOINT + "?test=1", sent, headers, encode_chunked=chunked)


@pytest.mark.parametrize("size", [3, 6, 29])
@pytest.mark.parametrize("chunked", [False, True])
def test_what_finds_no_room_is_503_in_json(crammed, size, chunked):
    """3 MiB fit once, but not a second time as the upload's own file."""
    status, headers, body = post(crammed, photo(size * MIB), chunked)
    assert status == 503
    assert json.loads(body)["error"]["code"] == 1200
    assert int(headers["Retry-After"]) >= 1
    assert headers["Access-Control-Allow-Origin"] == "*"


def test_small_photos_are_still_done(crammed):
    assert post(crammed, photo(MIB))[0] == 200


def test_removebgs_clients_and_the_page_hear_it_in_their_words(crammed):
    body, content_type = multipart(photo(6 * MIB))
    status, _, answer = crammed.ask("POST", "/v1.0/removebg", body, {"Content-Type": content_type})
    assert (status, json.loads(answer)["errors"][0]["code"]) == (503, "service_unavailable")
    status, _, answer = crammed.ask("POST", "/removals", body, {"Content-Type": content_type})
    assert (status, json.loads(answer)["error"]["code"]) == (503, 1200)


def test_it_says_that_it_is_not_ready_and_why(crammed):
    status, _, body = crammed.ask("GET", "/readyz")
    assert status == 503
    assert spooling.NO_ROOM in json.loads(body)["reasons"]


@pytest.mark.parametrize("sizes", [[6], [3, 3], [3, 3, 1], [0.1, 0.9, 6]])
def test_answers_that_find_no_room_come_from_memory(small, settings, sizes):
    settings.FILE_UPLOAD_TEMP_DIR = str(small)
    parts = [os.urandom(int(size * MIB)) for size in sizes]
    answer = spooling.Answer(MIB)
    answer.append(b"head")
    assert answer.get(4) == b"head"
    answer.skip(4)
    for part in parts:
        answer.append(part)
    assert len(answer) == sum(map(len, parts))
    assert answer.get(len(answer)) == b"".join(parts)
    answer.close()


def test_a_limit_of_the_process_is_a_full_folder_too(tmp_path):
    """Needs no root: files may have 3 MB."""
    with serving(tmp_path) as running:
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
        status, _, body = post(running, photo(6 * MIB))
        assert (status, json.loads(body)["error"]["code"]) == (503, 1200)
        status, _, body = running.ask("GET", "/readyz")
        assert status == 503
        assert spooling.NO_ROOM in json.loads(body)["reasons"]


def test_uploads_lie_where_the_setting_says(small, tmp_path):
    folder = tmp_path / "uploads"
    folder.mkdir()
    with serving(tmp_path, TMPDIR=str(small), FILE_UPLOAD_TEMP_DIR=str(folder)) as running:
        assert post(running, photo(29 * MIB))[0] == 200
