"""The engine's processes get stuck, are killed, and end with their server."""

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests import pictures
from tests.person import Answer, Person
from tests.serving import Server, is_alive, serving

pytestmark = pytest.mark.xdist_group("engine processes")
TOKEN = "of the metrics"
# A picture here takes a few tenths of a second. All of its time is this, not twenty times that.
IMPATIENT = {"REMOVAL_WORK_SECONDS": "6", "REMOVAL_WORK_FACTOR": "1", "METRICS_TOKEN": TOKEN}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("served"), **IMPATIENT) as running:
        yield running


@pytest.fixture(scope="module")
def alice(server: Server) -> Person:
    return Person.new(server, "alice@example.com", "10")


def state(server: Server) -> tuple[int, list[str]]:
    status, _, body = server.ask("GET", "/readyz")
    return status, json.loads(body)["reasons"]


def is_at_work(server: Server) -> bool:
    _, _, body = server.ask("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    return re.search(rb"^removal_places_taken 1\.0$", body, re.MULTILINE) is not None


class Stopped:
    """A picture whose engine process has been stopped before it began, as if a step never ended."""

    def __init__(self, alice: Person, wait_until: Callable[[Callable[[], Any]], Any]) -> None:
        (self.pid,) = alice.server.engine_pids()
        os.kill(self.pid, signal.SIGSTOP)
        self._pool = ThreadPoolExecutor(1)
        self._asked = self._pool.submit(alice.post, image=pictures.portrait())
        wait_until(lambda: is_at_work(alice.server))

    def answer(self) -> Answer:
        answer = self._asked.result()
        self._pool.shutdown()
        return answer


def test_a_step_that_is_stuck_is_ended_and_costs_nothing(server, alice, wait_until):
    before = alice.credits
    stopped = Stopped(alice, wait_until)
    assert "A slot is stuck" in wait_until(lambda: state(server)[1])[0]
    assert state(server)[0] == 503
    answer = stopped.answer()
    assert (answer.status, answer.code) == (503, 1201)
    assert "Nothing was charged" in answer.content.decode()
    assert answer.headers["Retry-After"]
    wait_until(lambda: not is_alive(stopped.pid))
    assert alice.post(image=pictures.portrait()).status == 200
    assert state(server) == (200, [])
    assert alice.credits == round(before - 0.052, 3)


def test_a_process_killed_at_work_is_503_for_that_picture_alone(server, alice, wait_until):
    before = alice.credits
    stopped = Stopped(alice, wait_until)
    os.kill(stopped.pid, signal.SIGKILL)
    answer = stopped.answer()
    assert (answer.status, answer.code) == (503, 1200)
    assert "interrupted" in answer.content.decode()
    assert alice.credits == before
    assert alice.post(image=pictures.portrait()).status == 200


def test_an_idle_process_that_dies_is_replaced(server, alice, wait_until):
    (pid,) = server.engine_pids()
    os.kill(pid, signal.SIGSEGV)
    wait_until(lambda: pid not in server.engine_pids() and server.engine_pids())
    assert alice.post(image=pictures.portrait()).status == 200


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_processes_end_with_their_server_and_leave_nothing(tmp_path, number, wait_until):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    running = Server(tmp_path, TMPDIR=str(temporary), REMOVAL_SLOTS="2")
    try:
        running.wait()
        pids = running.engine_pids()
        assert len(pids) == 2
        os.kill(pids[0], signal.SIGSTOP)
        running.process.send_signal(number)
        running.process.wait(timeout=60)
        wait_until(lambda: not any(map(is_alive, pids)))
    finally:
        running.process.kill()
    assert {path.name for path in temporary.iterdir()} <= {".ses"}  # onnxruntime's
