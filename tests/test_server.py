"""The server as `make run` starts it: a process of its own, asked over real sockets."""

import base64
import gzip
import http.client
import json
import re
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from email.message import Message
from typing import Any
from urllib.parse import urljoin

import pytest
from waitress import wasyncore

from pixian_site.server import listen
from tests import pictures
from tests.serving import ROOT, Server, serving

ENDPOINT = "/api/v2/remove-background"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture(scope="module")
def authorization(server: Server) -> str:
    pair = server.manage("issue_api_key", "server@example.com")
    return "Basic " + base64.b64encode(pair.encode()).decode()


def multipart(content: bytes) -> tuple[bytes, str]:
    head = b'--edge\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    return head + content + b"\r\n--edge--\r\n", "multipart/form-data; boundary=edge"


def test_it_says_what_to_do_next(server):
    text = server.log.read_text()
    for word in ("issue_api_key", "grant_credits", "createsuperuser", "u2netp", "Apache-2.0"):
        assert word in text


def test_a_new_database_is_for_its_user_alone(server):
    database = server.log.parent / "db.sqlite3"
    assert stat.S_IMODE(database.stat().st_mode) == 0o600


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


def raw_answer(port: int, request: bytes) -> tuple[int, Message, Any]:
    """Status, headers and JSON of what comes back for these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as raw:
        raw.sendall(request)
        answer = http.client.HTTPResponse(raw)
        answer.begin()
        return answer.status, answer.headers, json.loads(answer.read())


REFUSED = {
    "broken header": (b"POST %s HTTP/1.1\r\nbroken\x00 header\r\n\r\n", 400, 1120),
    "no start line": (b"\x16\x03\x01 %s\r\n\r\n", 400, 1120),
    "endless headers": (b"POST %s HTTP/1.1\r\nX-A: " + b"a" * 70_000, 400, 1120),
    "strange encoding": (
        b"POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400, 1120,
    ),
    "huge body": (
        b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 90000000\r\n\r\n", 413, 1012,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("request_", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_the_servers_own_refusals_are_like_all_others(server, request_, status, code):
    head = request_.replace(b"%s", ENDPOINT.encode())
    got, headers, body = raw_answer(server.port, head)
    assert got == status
    assert (body["error"]["status"], body["error"]["code"]) == (status, code)
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Request-Id"]
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "X-Request-Id" in headers["Access-Control-Expose-Headers"]


def test_removebgs_clients_are_refused_in_their_words(server):
    request = b"POST /v1.0/removebg HTTP/1.1\r\nContent-Length: 90000000\r\n\r\n"
    status, headers, body = raw_answer(server.port, request)
    assert (status, body["errors"][0]["code"]) == (400, "file_too_large")
    assert headers["X-RateLimit-Reset"]


@pytest.fixture
def impatient(settings) -> Iterator[int]:
    """The port of a server that gives up a request which is not there at once."""
    settings.SERVER_RECEIVE_SECONDS = 0.2
    listening = listen("127.0.0.1", 0)
    thread = threading.Thread(target=listening.run)
    thread.start()
    yield listening.effective_port
    with suppress(OSError):  # where the loop was awake and has closed all before it was pulled
        listening.trigger.pull_trigger(lambda: wasyncore.close_all(listening._map))
    thread.join(timeout=30)
    listening.task_dispatcher.shutdown()


def test_a_request_that_comes_too_slowly_is_1130(impatient):
    head = f"POST {ENDPOINT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n123"
    status, headers, body = raw_answer(impatient, head.encode())
    assert (status, body["error"]["code"]) == (408, 1130)
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Connection"] == "close"


def test_a_taken_port_is_said_on_the_last_line(server, tmp_path):
    second = subprocess.run(
        [sys.executable, "manage.py", "serve", "--port", str(server.port)],
        cwd=ROOT, env=server.environment | {"DATA_DIR": str(tmp_path)},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert second.returncode != 0
    assert str(server.port) in second.stderr.strip().splitlines()[-1]


def assets(server: Server, address: str, found: dict[str, int]) -> None:
    """Adds the bytes that travel for this address and for all that its text names."""
    status, headers, body = server.ask("GET", address, headers={"Accept-Encoding": "gzip"})
    assert status == 200, address
    found[address] = len(body)
    if headers["Content-Encoding"] == "gzip":
        body = gzip.decompress(body)
    for name in re.findall(r'["\'(](/static/[^"\')]+|\./[\w./-]+\.js)["\')]', body.decode()):
        linked = urljoin(address, name)
        if linked.endswith((".css", ".js")) and linked not in found:
            assets(server, linked, found)


def test_a_first_visit_costs_less_than_150_kb(server):
    found: dict[str, int] = {}
    assets(server, "/", found)
    assert sum(name.endswith(".css") for name in found) >= 2
    assert sum(name.endswith(".js") for name in found) >= 10
    assert sum(found.values()) < 150_000, found
