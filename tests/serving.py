"""The server as `make run` starts it, for tests: a process of its own, asked over real sockets."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
READY_SECONDS = 300
STATIC = ROOT / "var" / "tests" / f"static-{os.environ.get('PYTEST_XDIST_WORKER', 'gw')}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_alive(pid: int) -> bool:
    """Whether the process runs or may run again: it is not merely waited for."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


class Server:
    """`manage.py serve` with a database of its own and the small network.

    under: the program, with its arguments, that runs it.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        prepared: bool = False,
        under: Sequence[str] = (),
        **environment: str,
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | {
            "DATA_DIR": str(folder),
            "STATIC_ROOT": str(STATIC),  # collected once
            "REMOVAL_MODEL": "u2netp",
            "REMOVAL_MODELS_DIR": os.environ.get("REMOVAL_MODELS_DIR")
            or str(ROOT / "var" / "models"),
            **environment,
        }
        self.data = folder
        self.log = folder / "log"
        flags = ["--prepared"] if prepared else []
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*under, sys.executable, "manage.py", "serve", "--port", str(self.port), *flags],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip

    def wait(self, path: str = "/readyz") -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.ask("GET", path)[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        pytest.fail(self.log.read_text())

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=30) == 0

    def engine_pids(self) -> list[int]:
        return engine_pids(self.process.pid)

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


def engine_pids(parent: int) -> list[int]:
    """The engine processes that a web server or a worker process has."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    children = [int(pid) for task in tasks for pid in task.read_text().split()]
    return [pid for pid in children if b"removal.execution.child" in _command(pid)]


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@contextmanager
def serving(folder: Path, prepared: bool = False, **environment: str) -> Iterator[Server]:
    """A server that is ready, with its data in `folder`; ended with the block."""
    running = Server(folder, prepared=prepared, **environment)
    try:
        running.wait()
        yield running
    finally:
        running.stop()
