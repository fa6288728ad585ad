"""Batches whose pictures workers process: who works, what is stored meanwhile, and who pays."""

import base64
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import deployment, pictures
from tests.billing.databases import new_postgresql_database
from tests.deployment import Deployment
from tests.queue.test_queue import credits_of, multipart
from tests.serving import Server, engine_pids, serving

pytestmark = pytest.mark.xdist_group("queue")
BATCHES = "/api/v2/batches"
PRICE = 0.052
WaitUntil = Callable[[Callable[[], Any]], Any]
EXPIRE_CLAIMS = """
from django.utils.timezone import now
from removal.models import BatchPicture
BatchPicture.objects.filter(state="working").update(due_at=now())
"""
CLEAN_UP_LATER = """
from datetime import timedelta
from django.utils.timezone import now
from billing import ledger
from removal.batches import register
later = now() + timedelta(hours=1)
print(ledger.release_stale(later), register.sweep(later))
"""


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("batches") / "media"


@pytest.fixture(scope="module")
def two(media: Path, postgres_url: str, redis_url: str) -> Iterator[Deployment]:
    """Two worker processes; the tests start web servers for them."""
    limits = {
        "REMOVAL_SLOTS": "2",
        "REMOVAL_RESERVED_SLOTS": "0",
        "REMOVAL_WORK_SECONDS": "100",  # longer than a test makes an engine stand still
    }
    database = new_postgresql_database(postgres_url)
    own_redis = urlsplit(redis_url)._replace(path="/2").geturl()
    with deployment.deployed(media.parent, own_redis, database, servers=0, **limits) as running:
        yield running


@pytest.fixture(scope="module")
def server(two: Deployment, media: Path) -> Iterator[Server]:
    """A web server that a test may kill."""
    running = Server(media.parent, **two.environment)
    try:
        running.wait()
        yield running
    finally:
        running.process.kill()
        running.process.wait()


@pytest.fixture(scope="module")
def caller(server: Server) -> Iterator[dict[str, str]]:
    pair = server.manage("issue_api_key", "batches@example.com")
    server.manage("grant_credits", "batches@example.com", "100", "--reason", "for the test")
    yield {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    server.manage("audit_ledger")  # fails if the books do not balance


@contextmanager
def standing_still(two: Deployment, wait_until: WaitUntil) -> Iterator[None]:
    """Pictures that workers take meanwhile stay at work."""
    engines = wait_until(lambda: _engines(two))
    for pid in engines:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in engines:
            with suppress(ProcessLookupError):  # killed with its worker
                os.kill(pid, signal.SIGCONT)


def _engines(two: Deployment) -> list[int]:
    """Those of both worker processes."""
    found = [pid for worker in two.worker_pids() for pid in engine_pids(worker)]
    return found if len(found) == 2 else []


def sent(server: Server, caller: dict[str, str], number: int) -> str:
    photo = pictures.portrait()
    part = b'--edge\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n%s\r\n'
    body = part % photo * number + multipart()[0]
    headers = caller | {"Content-Type": "multipart/form-data; boundary=edge"}
    status, _, content = server.ask("POST", BATCHES, body, headers)
    assert status == 201, content
    return str(json.loads(content)["id"])


def state_of(server: Server, caller: dict[str, str], batch: str) -> Any:
    return json.loads(server.ask("GET", f"{BATCHES}/{batch}", headers=caller)[2])


def at_work(two: Deployment) -> set[Any]:
    """The worker processes that have a picture."""
    return {two.redis.get(key) for key in two.redis.scan_iter("execution:taken:*")} - {None}


def answers(two: Deployment) -> set[Any]:
    """Those that nobody waited for."""
    return set(two.redis.scan_iter("execution:done:*"))


def files(media: Path) -> list[str]:
    """The files in the storage, by what they are."""
    return sorted(path.name.rpartition("-")[2] for path in media.rglob("*") if path.is_file())


def deleted(server: Server, caller: dict[str, str], batch: str) -> bool:
    return bool(server.ask("DELETE", f"{BATCHES}/{batch}", headers=caller)[0] == 204)


def test_two_workers_process_a_batch_together_and_nothing_is_stored_twice(
    two, server, caller, media, wait_until
):
    before = credits_of(server, caller)
    with standing_still(two, wait_until):
        batch = sent(server, caller, 4)
        wait_until(lambda: len(at_work(two)) == 2)
        assert files(media) == ["original"] * 4
    wait_until(lambda: state_of(server, caller, batch)["state"] == "done")
    wait_until(lambda: files(media) == ["result"] * 4)
    assert credits_of(server, caller) == round(before - 4 * PRICE, 3)
    status, _, content = server.ask("GET", f"{BATCHES}/{batch}/pictures/4", headers=caller)
    assert (status, pictures.mode_and_size(content)) == (200, ("RGBA", (200, 240)))
    assert deleted(server, caller, batch)
    assert files(media) == []


def test_cancelled_at_work_nothing_is_charged_and_nothing_stays(
    two, server, caller, media, wait_until
):
    before, earlier = credits_of(server, caller), answers(two)
    with standing_still(two, wait_until):
        batch = sent(server, caller, 3)
        wait_until(lambda: len(at_work(two)) == 2)
        assert server.ask("POST", f"{BATCHES}/{batch}/cancel", b"", caller)[0] == 200
        wait_until(lambda: credits_of(server, caller) == before)
    wait_until(lambda: len(answers(two) - earlier) == 2)
    wait_until(lambda: files(media) == [])
    assert state_of(server, caller, batch)["creditsCharged"] == 0
    assert credits_of(server, caller) == before


def test_a_worker_killed_at_work_costs_nothing_and_another_takes_its_picture(
    two, server, caller, media, wait_until
):
    before = credits_of(server, caller)
    with standing_still(two, wait_until):
        batch = sent(server, caller, 1)
        os.kill(wait_until(two.pid_at_work), signal.SIGKILL)
        wait_until(lambda: state_of(server, caller, batch)["pictures"]["waiting"] == 1)
        assert credits_of(server, caller) == before
    wait_until(lambda: state_of(server, caller, batch)["state"] == "done")
    assert credits_of(server, caller) == round(before - PRICE, 3)
    assert deleted(server, caller, batch)
    assert files(media) == []


def test_a_web_server_killed_at_work_is_followed_by_another_and_charged_once(
    two, server, caller, media, wait_until
):
    """The last one: it kills the server of the others."""
    before = credits_of(server, caller)
    with standing_still(two, wait_until):
        batch = sent(server, caller, 1)
        wait_until(two.pid_at_work)
        server.process.kill()
        server.process.wait()
        server.manage("shell", "-c", EXPIRE_CLAIMS)
    wait_until(lambda: "result" in files(media))  # for which nobody waits
    with serving(media.parent, prepared=True, **two.environment) as follower:
        wait_until(lambda: state_of(follower, caller, batch)["state"] == "done")
        assert server.manage("shell", "-c", CLEAN_UP_LATER).split()[-2:] == ["1", "1"]
        assert files(media) == ["result"]
        assert credits_of(follower, caller) == round(before - PRICE, 3)
