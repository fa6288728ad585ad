"""Batches whose pictures workers do: who works, what is stored meanwhile, and who pays for what."""

import base64
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import deployment, pictures
from tests.billing.databases import new_postgresql_database
from tests.deployment import Deployment
from tests.queue.test_queue import credits_of, multipart
from tests.serving import Server, engine_pids

pytestmark = pytest.mark.xdist_group("queue")
BATCHES = "/api/v2/batches"
PRICE = 0.052
WaitUntil = Callable[[Callable[[], Any]], Any]
LAPSE = (
    "from removal.models import BatchPicture as P; from django.utils.timezone import now; "
    "P.objects.filter(state='working').update(due_at=now())"
)
SWEEP = (
    "from removal.batches import register; from django.utils.timezone import now; "
    "from datetime import timedelta; print(register.sweep(now() + timedelta(hours=1)))"
)


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("batches") / "media"


@pytest.fixture(scope="module")
def two(media: Path, postgres_url: str, redis_url: str) -> Iterator[Deployment]:
    """Two worker processes, and a web server that leaves batches to others."""
    limits = {
        "REMOVAL_PLACES": "2",
        "REMOVAL_RESERVED_PLACES": "0",
        "REMOVAL_LEASE_SECONDS": "2",
        "REMOVAL_DEADLINE_SECONDS": "30",
        "HOLD_GRACE_SECONDS": "0",
        "REMOVAL_BATCH_WORKERS": "0",
        "REMOVAL_WORK_SECONDS": "30",
    }
    database = new_postgresql_database(postgres_url)
    own_redis = urlsplit(redis_url)._replace(path="/2").geturl()
    with deployment.deployed(media.parent, own_redis, database, **limits) as running:
        yield running


@pytest.fixture(scope="module")
def server(two: Deployment) -> Server:
    return two.servers[0]


@pytest.fixture(scope="module")
def caller(server: Server) -> dict[str, str]:
    pair = server.manage("issue_api_key", "batches@example.com")
    server.manage("grant_credits", "batches@example.com", "100", "--reason", "for the test")
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


@contextmanager
def runner(server: Server, media: Path) -> Iterator[Server]:
    """A web server that sees to batches, until it is killed."""
    environment = server.environment | {"REMOVAL_BATCH_WORKERS": "1"}
    running = Server(media.parent, prepared=True, **environment)
    try:
        running.wait()
        yield running
    finally:
        running.process.kill()
        running.process.wait()


@contextmanager
def standing_still(two: Deployment, wait_until: WaitUntil) -> Iterator[None]:
    """What is begun meanwhile stays at work."""
    engines = wait_until(lambda: _engines(two))
    for pid in engines:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in set(engines) & set(_engines(two)):
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


def files(media: Path) -> list[str]:
    """What lies in the storage, by what it is."""
    return sorted(path.name.rpartition("-")[2] for path in media.rglob("*") if path.is_file())


def test_two_workers_do_a_batch_together_and_nothing_is_stored_twice(
    two, server, caller, media, wait_until
):
    before = credits_of(server, caller)
    with runner(server, media):
        with standing_still(two, wait_until):
            batch = sent(server, caller, 4)
            wait_until(lambda: len(at_work(two)) == 2)
            assert files(media) == ["original"] * 4
        wait_until(lambda: state_of(server, caller, batch)["state"] == "done")
        wait_until(lambda: files(media) == ["result"] * 4)
    assert credits_of(server, caller) == round(before - 4 * PRICE, 3)
    status, _, content = server.ask("GET", f"{BATCHES}/{batch}/pictures/4", headers=caller)
    assert (status, pictures.mode_and_size(content)) == (200, ("RGBA", (200, 240)))
    _ended(server, caller, batch, media)


def test_a_worker_killed_at_work_costs_nothing_and_another_does_its_picture(
    two, server, caller, media, wait_until
):
    before = credits_of(server, caller)
    with runner(server, media):
        with standing_still(two, wait_until):
            batch = sent(server, caller, 1)
            os.kill(wait_until(two.pid_at_work), signal.SIGKILL)
            wait_until(lambda: state_of(server, caller, batch)["pictures"]["waiting"] == 1)
            assert credits_of(server, caller) == before
        wait_until(lambda: state_of(server, caller, batch)["state"] == "done")
    assert credits_of(server, caller) == round(before - PRICE, 3)
    _ended(server, caller, batch, media)


def test_a_web_server_killed_at_work_is_followed_by_another_and_charged_once(
    two, server, caller, media, wait_until
):
    before = credits_of(server, caller)
    with standing_still(two, wait_until):
        with runner(server, media):
            batch = sent(server, caller, 1)
            wait_until(two.pid_at_work)
        server.manage("shell", "-c", LAPSE)
    wait_until(lambda: "result" in files(media))  # for which nobody waits
    with runner(server, media):
        wait_until(lambda: state_of(server, caller, batch)["state"] == "done")
    assert server.manage("shell", "-c", SWEEP).split()[-1] == "1"
    assert files(media) == ["result"]
    # The hold of the killed one runs out.
    wait_until(lambda: credits_of(server, caller) == round(before - PRICE, 3))
    _ended(server, caller, batch, media)


def test_cancelled_at_work_nothing_is_charged_and_nothing_stays(
    two, server, caller, media, wait_until
):
    before = credits_of(server, caller)
    with runner(server, media):
        with standing_still(two, wait_until):
            batch = sent(server, caller, 3)
            wait_until(lambda: len(at_work(two)) == 2)
            assert server.ask("POST", f"{BATCHES}/{batch}/cancel", b"", caller)[0] == 200
            wait_until(lambda: len(list(two.redis.scan_iter("execution:cancel:*"))) >= 2)
        wait_until(lambda: not two.redis.exists("capacity:requests:order"))
    assert credits_of(server, caller) == before
    wait_until(lambda: files(media) == [])
    _ended(server, caller, batch, media)


def _ended(server: Server, caller: dict[str, str], batch: str, media: Path) -> None:
    assert server.ask("DELETE", f"{BATCHES}/{batch}", headers=caller)[0] == 204
    assert files(media) == []
    server.manage("audit_ledger")  # fails where the books don't balance
