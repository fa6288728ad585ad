"""A site of its own to measure: `manage.py serve` on a folder of its own, with a paying key.

With REMOVAL_EXECUTION=queue a worker runs beside it, of as many processes as there are slots.
"""

import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.serving import engine_pids

HOME = Path(__file__).parent.parent
EMAIL = "bench@example.com"
CREDITS = "1000000"
START_SECONDS = 180
PAGE_BYTES = resource.getpagesize()


class Site:
    """Runs while the `with` block does. `settings` are environment variables; `key` ID:SECRET."""

    def __init__(self, servers: int = 1, **settings: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.data = Path(self._folder.name)
        self._ports = [_free_port() for _ in range(servers)]
        self.addresses = [f"http://127.0.0.1:{port}" for port in self._ports]
        self.address = self.addresses[0]
        models = os.environ.get("REMOVAL_MODELS_DIR", str(HOME / "var" / "models"))
        own = {"DATA_DIR": self._folder.name, "REMOVAL_MODELS_DIR": models, "LOG_LEVEL": "WARNING"}
        self._environment = os.environ | own | settings

    def __enter__(self) -> Self:
        self._manage("migrate", "--verbosity", "0")
        self.key = self._manage("issue_api_key", EMAIL).strip()
        self._manage("grant_credits", EMAIL, CREDITS, "--reason", "benchmark")
        first, *others = map(str, self._ports)
        self._processes = [self._start("serve", "--port", first)]
        self._wait_until_answered(f"{self.address}/healthz")  # it has prepared all by then
        self._processes += [self._start("serve", "--prepared", "--port", port) for port in others]
        if self._environment.get("REMOVAL_EXECUTION") == "queue":
            self._processes.append(self._start("worker"))
        for address in self.addresses:
            self._wait_until_answered(f"{address}/readyz")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(60)
        self._folder.cleanup()

    def resident_mebibytes(self) -> float:
        """What the first server and its engine's processes hold now."""
        server = self._processes[0].pid
        statm = [Path(f"/proc/{pid}/statm").read_text() for pid in (server, *engine_pids(server))]
        return sum(int(text.split()[1]) for text in statm) * PAGE_BYTES / 2**20

    def remove_background(
        self, picture: bytes, *, idempotency_key: str = "", **fields: str
    ) -> tuple[int, bytes]:
        """(status, body) of one request of API v2; with a key, the result is kept."""
        body, media_type = _multipart(picture, fields)
        request = urllib.request.Request(
            f"{self.address}/api/v2/remove-background",
            data=body,
            headers={
                "Content-Type": media_type,
                "Authorization": "Basic " + b64encode(self.key.encode()).decode(),
                **({"Idempotency-Key": idempotency_key} if idempotency_key else {}),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def log(self) -> str:
        return (self.data / "log").read_text()

    def audit(self) -> str:
        return self._manage("audit_ledger")

    def python(self, code: str) -> str:
        """What the code prints in `manage.py shell`."""
        return self._manage("shell", "--no-imports", "--command", code)

    def _start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        with (self.data / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=HOME, env=self._environment, stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip

    def _manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=HOME,
            env=self._environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"manage.py {arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _wait_until_answered(self, probe: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and all(one.poll() is None for one in self._processes):
            try:
                with urllib.request.urlopen(probe, timeout=5):
                    return
            except OSError:
                time.sleep(0.2)
        log = self.log()
        self._end()
        raise SystemExit(f"The site did not become ready:\n{log}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _multipart(picture: bytes, fields: dict[str, str]) -> tuple[bytes, str]:
    mark = "benchmark-boundary"
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{mark}\r\nContent-Disposition: form-data; name="image"; filename="photo"\r\n\r\n'
    body = b"".join([*parts, head.encode(), picture, f"\r\n--{mark}--\r\n".encode()])
    return body, f"multipart/form-data; boundary={mark}"
