"""Clients that are slow, silent or excessive: others are served meanwhile, and they are let go."""

import base64
import http.client
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from tests import pictures
from tests.serving import ROOT, Server, serving

ENDPOINT = "/api/v2/remove-background"
UPLOAD = f"POST {ENDPOINT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"

LONG = 40_000_000  # bytes; more than the server and the sockets buffer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """As in service, but for less patience and few threads."""
    limits = {
        "SERVER_HEADER_SECONDS": "2",
        "SERVER_STALLED_SECONDS": "2",
        "SERVER_RECEIVE_SECONDS": "4",
        "SERVER_THREADS": "4",
    }
    with serving(tmp_path_factory.mktemp("hardened"), **limits) as running:
        yield running


@pytest.fixture(scope="module")
def authorization(server: Server) -> str:
    pair = server.manage("issue_api_key", "slow@example.com")
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.fixture
def connect(server: Server):
    """Opens connections, and closes them with the test."""
    with ExitStack() as stack:

        def connect(first: bytes = b"") -> socket.socket:
            raw = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 60))
            raw.sendall(first)
            return raw

        yield connect


def a_picture_is_made(server: Server, authorization: str) -> bool:
    head = b'--edge\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    body = head + pictures.portrait() + b"\r\n--edge--\r\n"
    headers = {
        "Authorization": authorization,
        "Content-Type": "multipart/form-data; boundary=edge",
    }
    return server.ask("POST", ENDPOINT + "?test=1", body, headers)[0] == 200


def answer_of(raw: socket.socket) -> tuple[int, int]:
    """HTTP status and error code."""
    answer = http.client.HTTPResponse(raw)
    answer.begin()
    return answer.status, json.loads(answer.read())["error"]["code"]


def drained(raw: socket.socket) -> int:
    """How many bytes came until the end."""
    return sum(len(piece) for piece in iter(lambda: raw.recv(1 << 20), b""))


def drip(raw: socket.socket, piece: bytes) -> None:
    """Send a little ten times a second, until there is an answer."""
    while not select.select([raw], [], [], 0.1)[0]:
        raw.sendall(piece)


def test_a_thousand_idle_connections_keep_nobody_out(server, authorization, connect):
    for _ in range(1000):
        connect()
    assert server.ask("GET", "/readyz")[0] == 200
    assert a_picture_is_made(server, authorization)


def test_unfinished_requests_take_no_thread(server, authorization, connect):
    waiting = [connect(b"GET / HTTP/1.1\r\nHost: loc") for _ in range(100)]
    waiting += [connect(UPLOAD.encode() + b"123") for _ in range(100)]
    assert a_picture_is_made(server, authorization)
    assert {answer_of(raw) for raw in waiting} == {(408, 1130)}


def test_dripped_headers_are_given_up(server, connect):
    raw = connect(f"POST {ENDPOINT} HTTP/1.1\r\n".encode())
    drip(raw, b"X-A: b\r\n")
    assert answer_of(raw) == (408, 1130)


def test_a_dripped_body_is_given_up(server, connect):
    raw = connect(UPLOAD.encode())
    drip(raw, b"x")
    assert answer_of(raw) == (408, 1130)


def test_whoever_does_not_read_takes_no_thread(server, authorization, connect):
    """Eight answers, for four threads, that do not fit into the sockets' buffers."""
    page = b"GET /api/docs.md HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for _ in range(8):
        raw = connect()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.sendall(page * 20)
    assert a_picture_is_made(server, authorization)


def kept_by_a_visitor(server: Server, size: int) -> bytes:
    """A request for a touched-up cut-out of that size."""
    picture = uuid4().hex
    with requests.Session() as visitor:
        visitor.get(server.url)
        visitor.headers["X-CSRFToken"] = str(visitor.cookies["csrftoken"])
        photo = {"image": ("me.jpg", pictures.portrait())}
        sent = visitor.post(f"{server.url}/removals", data={"picture": picture}, files=photo)
        assert sent.status_code == 200, sent.text
        changed = visitor.put(f"{server.url}/removals/{picture}/result", data=sent.content)
        assert changed.status_code == 204, changed.text
        cookie = visitor.cookies["visitor"]
    # What is sent is encoded again, and so is never longer than it need be: lengthen what is kept.
    stored = max(server.data.rglob("*touched-up*"), key=lambda file: file.stat().st_mtime)
    os.truncate(stored, size)
    path = f"/removals/{picture}/touched-up"
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: visitor={cookie}\r\n\r\n".encode()


def test_whoever_does_not_read_long_answers_takes_no_thread_for_good(
    server, authorization, connect
):
    """Each asks for more than is buffered for one connection, and reads nothing."""
    request_ = kept_by_a_visitor(server, LONG)
    for _ in range(8):
        raw = connect()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.sendall(request_ * 3)
    assert a_picture_is_made(server, authorization)


def test_an_answer_that_nobody_reads_is_thrown_away(server, connect):
    raw = connect()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.sendall(kept_by_a_visitor(server, LONG))
    for _ in range(3):  # each of these takes as long as one may stand still
        assert answer_of(connect(UPLOAD.encode() + b"123")) == (408, 1130)
    with pytest.raises(ConnectionResetError):  # what the system had buffered is gone too
        drained(raw)


def test_a_stored_picture_that_nobody_reads_is_copied_nowhere(server, connect):
    """Neither into memory nor into the temporary folder: thousands may ask for it."""
    request_ = kept_by_a_visitor(server, LONG)
    for _ in range(8):
        raw = connect()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.sendall(request_)
        assert raw.recv(1)
    long = []
    for opened in Path(f"/proc/{server.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            if opened.stat().st_size >= LONG:
                long.append(opened.readlink())
    assert long
    assert {at.parent.name for at in long} == {"page-pictures"}


def test_long_answers_reach_who_reads_them(server, connect):
    raw = connect(kept_by_a_visitor(server, LONG) * 3)
    received = 0
    while received < 3 * LONG:
        piece = raw.recv(1 << 20)
        assert piece
        received += len(piece)


@pytest.mark.parametrize(
    ("request_", "refused"),
    [
        (b"GET / HTTP/1.1\r\nX-A: " + b"a" * 70_000 + b"\r\n\r\n", (400, 1120)),
        (UPLOAD.replace("1000000", "99000000").encode(), (413, 1012)),
    ],
    ids=["headers", "body"],
)
def test_the_oversized_are_refused_and_others_served(
    server, authorization, connect, request_, refused
):
    waiting = [connect(request_) for _ in range(50)]
    assert a_picture_is_made(server, authorization)
    for raw in waiting:
        answer = http.client.HTTPResponse(raw)
        answer.begin()
        assert answer.status == refused[0]


def test_the_server_asks_for_more_open_files_than_systems_give():
    code = (
        "import resource, os, django; resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 8000));"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'pixian_site.settings'; django.setup();"
        "from pixian_site import server; server._allow_open_files();"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split()[-1] == "4000", done.stderr
