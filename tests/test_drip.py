"""One free account that has the server wait for URLs takes nothing from anybody else."""

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import pictures
from tests.removal import hostile_server
from tests.removal.hostile_server import HostileServer
from tests.serving import Server, serving
from tests.test_server import ENDPOINT, multipart

DRIPPING, PAID = 32, 16
FETCHES_OF_ONE = 5  # IMAGE_URL_FETCHES_PER_ACCOUNT


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {"IMAGE_URL_ALLOW": "127.0.0.1/32", "IMAGE_URL_SECONDS": "600"}
    with serving(tmp_path_factory.mktemp("dripping"), **environment) as running:
        yield running


@pytest.fixture
def dripping() -> Iterator[HostileServer]:
    with hostile_server.serving() as foreign:
        yield foreign


def authorization(server: Server, email: str) -> dict[str, str]:
    pair = server.manage("issue_api_key", email)
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def test_a_free_account_s_dripping_urls_leave_a_payer_every_place(server, dripping, wait_until):
    keys = [authorization(server, "free@example.com") for _ in range(2)]
    payer = authorization(server, "payer@example.com")
    server.manage("grant_credits", "payer@example.com", "10", "--reason", "for the test")
    refused = []

    def drip(number: int) -> None:
        fields = f"test=1&image.url={dripping.url('/slow-body')}".encode()
        own = keys[number % 2] | {"Content-Type": "application/x-www-form-urlencoded"}
        refused.append(server.ask("POST", ENDPOINT, fields, own)[0])

    threads = [threading.Thread(target=drip, args=[n], daemon=True) for n in range(DRIPPING)]
    for thread in threads:
        thread.start()
    wait_until(lambda: dripping.connections == FETCHES_OF_ONE and len(refused) >= DRIPPING - 8)
    body, content_type = multipart(pictures.portrait(60, 72))

    def pay(number: int) -> int:
        status: int = server.ask("POST", ENDPOINT, body, payer | {"Content-Type": content_type})[0]
        return status

    with ThreadPoolExecutor(5) as clients:
        assert list(clients.map(pay, range(PAID))) == [200] * PAID
    assert dripping.connections == FETCHES_OF_ONE
    assert set(refused) == {429}
