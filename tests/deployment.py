"""The service with its parts as processes of their own: web servers and a Celery worker."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis

from tests.serving import ROOT, Server, serving


class Worker:
    """`manage.py worker`; `environment` is that of the servers it works for."""

    def __init__(
        self,
        folder: Path,
        environment: dict[str, str],
        *arguments: str,
        under: Sequence[str] = (),
    ) -> None:
        self.log = folder / "worker.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*under, sys.executable, "manage.py", "worker", *arguments],
                cwd=ROOT, env=environment, stdout=log, stderr=log,
            )  # fmt: skip

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=60) == 0, self.log.read_text()


class Deployment:
    """Web servers that share a database, a Redis, a storage and a worker.

    environment: with which further servers belong to it.
    """

    def __init__(self, redis_url: str, servers: list[Server], environment: dict[str, str]) -> None:
        self.servers = servers
        self.environment = environment
        self.redis = redis.Redis.from_url(redis_url)

    def worker_pids(self) -> list[int]:
        """The processes that say that they live."""
        names = self.redis.smembers("execution:workers")
        living = [name for name in names if self.redis.exists(b"execution:worker:" + name)]
        return [_pid_of(name) for name in living]

    def pid_at_work(self) -> int | None:
        """A process that is at work on a picture."""
        taken = (self.redis.get(key) for key in self.redis.scan_iter("execution:taken:*"))
        return next((_pid_of(name) for name in taken if name), None)


@contextmanager
def deployed(
    folder: Path, redis_url: str, database_url: str, servers: int = 1, **settings: str
) -> Iterator[Deployment]:
    """Servers that are ready, and their worker; ended with the block."""
    environment = {
        "REMOVAL_EXECUTION": "queue",
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        **settings,
    }
    everything = os.environ | {"DATA_DIR": str(folder), "REMOVAL_MODEL": "u2netp"} | environment
    everything.setdefault("REMOVAL_MODELS_DIR", str(ROOT / "var" / "models"))
    with ExitStack() as running:
        worker = Worker(folder, everything)
        running.callback(worker.end)
        one_after_the_other = [
            running.enter_context(serving(folder, **environment)) for _ in range(servers)
        ]
        deployment = Deployment(redis_url, one_after_the_other, environment)
        running.callback(deployment.redis.close)
        yield deployment


def _pid_of(name: bytes) -> int:
    return int(name.decode().split(":")[1])
