"""The server as `make run` starts it: a process of its own, asked over real sockets."""

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import pictures

ROOT = Path(__file__).parent.parent
ENDPOINT = "/api/v2/remove-background"
READY_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`manage.py serve` with a database of its own and the small network."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.environment = os.environ | {
            "DATA_DIR": str(folder),
            "REMOVAL_MODEL": "u2netp",
            "REMOVAL_MODELS_DIR": os.environ.get("REMOVAL_MODELS_DIR")
            or str(ROOT / "var" / "models"),
        }
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port)],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip

    def wait(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.ask("GET", "/readyz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        pytest.fail(self.log.read_text())

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def ask(self, method, path, body=None, headers=None, **options):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {}, **options)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("served"))
    try:
        running.wait()
        yield running
    finally:
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=30) == 0


@pytest.fixture(scope="module")
def authorization(server: Server) -> str:
    pair = server.manage("issue_api_key", "server@example.com")
    return "Basic " + base64.b64encode(pair.encode()).decode()


def multipart(content: bytes) -> tuple[bytes, str]:
    head = b'--edge\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    return head + content + b"\r\n--edge--\r\n", "multipart/form-data; boundary=edge"


def test_it_says_what_to_do_next(server):
    text = server.log.read_text()
    for word in ("issue_api_key", "grant_credits", "createsuperuser", "u2netp", "non-commercial"):
        assert word in text


def test_ready_names_model_and_device(server):
    status, _, body = server.ask("GET", "/readyz")
    state = json.loads(body)
    assert status == 200
    assert state["ready"] is True
    assert "u2netp" in state["model"]
    assert state["device"] == "cpu"


def test_a_key_is_one_line_and_the_page_is_served(server):
    assert server.manage("issue_api_key", "line@example.com").count("\n") == 0
    status, headers, body = server.ask("GET", "/")
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert b"<main" in body


def test_a_chunked_upload_works(server, authorization):
    body, content_type = multipart(pictures.portrait())
    chunks = [body[start : start + 1000] for start in range(0, len(body), 1000)]
    headers = {"Authorization": authorization, "Content-Type": content_type}
    status, answer, content = server.ask(
        "POST", ENDPOINT + "?test=1", iter(chunks), headers, encode_chunked=True
    )
    assert status == 200, content
    assert answer["X-Credits-Charged"] == "0"
    assert pictures.mode_and_size(content) == ("RGBA", (200, 240))


def test_production_without_credits_is_402_and_with_them_is_charged(server, authorization):
    body, content_type = multipart(pictures.portrait())
    headers = {"Authorization": authorization, "Content-Type": content_type}
    assert server.ask("POST", ENDPOINT, body, headers)[0] == 402
    server.manage("grant_credits", "server@example.com", "1", "--reason", "for the test")
    status, answer, _ = server.ask("POST", ENDPOINT, body, headers)
    assert status == 200
    assert answer["X-Credits-Charged"] == "0.052"
    assert answer["X-Credits-Remaining"] == "0.948"


def test_too_large_a_body_gets_its_answer_not_a_reset(server, authorization):
    body, content_type = multipart(b"\0" * (31 * 1024 * 1024))
    headers = {"Authorization": authorization, "Content-Type": content_type}
    status, _, answer = server.ask("POST", ENDPOINT, body, headers)
    assert status == 413
    assert json.loads(answer)["error"]["code"] == 1012


def test_without_credentials_the_whole_upload_is_read_first(server):
    body, content_type = multipart(b"\0" * 20_000_000)
    status, headers, answer = server.ask("POST", ENDPOINT, body, {"Content-Type": content_type})
    assert status == 401
    assert headers["WWW-Authenticate"].startswith("Basic")
    assert json.loads(answer)["error"]["code"] == 1001


def test_the_servers_own_refusals_are_json_too(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nbroken\x00 header\r\n\r\n")
        answer = raw.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400") or head.startswith(b"HTTP/1.0 400")
    assert json.loads(body)["error"]["code"] == 1120


def test_a_taken_port_is_said_on_the_last_line(server, tmp_path):
    second = subprocess.run(
        [sys.executable, "manage.py", "serve", "--port", str(server.port)],
        cwd=ROOT, env=server.environment | {"DATA_DIR": str(tmp_path)},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert second.returncode != 0
    assert str(server.port) in second.stderr.strip().splitlines()[-1]
