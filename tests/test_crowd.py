"""Fifty clients at once on two places, over real sockets: turned away or served, and charged right.

Asks nothing but what a client sees, and the ledger afterwards.
"""

import base64
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from email.message import Message

import pytest

from tests import pictures
from tests.serving import Server, serving
from tests.test_server import ENDPOINT, multipart

CLIENTS, SLOTS = 50, 2
GRANTED = Decimal(100)
Answer = tuple[int, Message, bytes]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = {"REMOVAL_SLOTS": str(SLOTS), "SERVER_THREADS": str(CLIENTS)}
    with serving(tmp_path_factory.mktemp("crowded"), **limits) as running:
        yield running


@pytest.fixture(scope="module")
def headers(server: Server) -> dict[str, str]:
    pair = server.manage("issue_api_key", "crowd@example.com")
    server.manage("grant_credits", "crowd@example.com", str(GRANTED), "--reason", "for the crowd")
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def post(server: Server, headers: dict[str, str], key: str | None = None) -> Answer:
    body, content_type = multipart(pictures.portrait(60, 72))
    own = headers | {"Content-Type": content_type} | ({"Idempotency-Key": key} if key else {})
    answer: Answer = server.ask("POST", ENDPOINT, body, own)
    return answer


def spent(server: Server, headers: dict[str, str]) -> Decimal:
    _, _, body = server.ask("GET", "/api/v2/account", headers=headers)
    return GRANTED - json.loads(body, parse_float=Decimal)["credits"]


def charged(answers: list[Answer]) -> Decimal:
    """What these answers say they cost; one that repeats another costs nothing more."""
    own = [headers for status, headers, _ in answers
           if status == 200 and "Idempotency-Replayed" not in headers]  # fmt: skip
    return sum((Decimal(headers["X-Credits-Charged"]) for headers in own), Decimal(0))


def test_a_crowd_is_served_or_told_to_wait_and_charged_exactly(server, headers):
    before = spent(server, headers)
    start = threading.Barrier(CLIENTS)

    def client(number: int) -> Answer:
        start.wait()
        return post(server, headers, key=f"client {number}")

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(client, range(CLIENTS)))
    for status, got, body in answers:
        assert status in (200, 429), body
        if status == 429:
            assert int(got["Retry-After"]) >= 1
            assert json.loads(body)["error"]["code"] in (1015, 1017)
    served = [number for number, (status, _, _) in enumerate(answers) if status == 200]
    assert SLOTS <= len(served) < CLIENTS
    assert spent(server, headers) - before == charged(answers)
    replays = [post(server, headers, key=f"client {number}") for number in served[:3]]
    assert [got["Idempotency-Replayed"] for _, got, _ in replays] == ["true"] * len(replays)
    assert spent(server, headers) - before == charged([*answers, *replays])


def test_who_backs_off_linearly_is_served_at_last(server, headers):
    """The contract's clients wait 5 s, 10 s, 15 s ...; these count in tenths of that."""
    before = spent(server, headers)
    clients = 16

    def client(number: int) -> list[Answer]:
        answers = [post(server, headers)]
        while answers[-1][0] == 429 and len(answers) < 20:
            time.sleep(0.5 * len(answers))
            answers.append(post(server, headers))
        return answers

    with ThreadPoolExecutor(clients) as pool:
        histories = list(pool.map(client, range(clients)))
    assert [answers[-1][0] for answers in histories] == [200] * clients
    assert any(len(answers) > 1 for answers in histories)
    everything = [answer for answers in histories for answer in answers]
    assert spent(server, headers) - before == charged(everything)
