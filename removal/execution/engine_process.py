"""The web process's handle of an engine process; the program in it is child.py."""

import math
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from removal.errors import ClientGone, TookTooLong, WorkInterrupted

from . import wire
from .job import Job
from .shared_file import SharedFile

ROOT = Path(__file__).resolve().parents[2]
# What the program needs of this process's environment. It decodes strangers' files, so that the
# site's secrets (the database's address, payment and mail keys) are not to be in its memory.
PASSED_ON = re.compile(
    "PATH|HOME|TMPDIR|TZ|LANG|DATA_DIR|SYSTEMROOT|PYTHON.*"
    "|(REMOVAL|MODEL|LC|LD|DYLD|ORT|OMP|CUDA|NVIDIA|MALLOC|XDG|COVERAGE)_.*"
)
END_SECONDS = 5  # for a process whose connection has closed
LOOK_SECONDS = 0.25  # how often the waiting thread checks that the client is connected


class EngineProcess:
    """The process starts with the object. One thread at a time may talk to it; any may kill it."""

    def __init__(self, threads: int, processes: int = 1) -> None:
        """threads: the number for one picture. processes: all that run the engine here, for which
        memory has to suffice."""
        ours, theirs = multiprocessing.Pipe()
        self._connection = ours
        self._picture, self._result = SharedFile.new("picture"), SharedFile.new("result")
        open_files = (theirs.fileno(), self._picture.descriptor, self._result.descriptor)
        passed_on = {n: value for n, value in os.environ.items() if PASSED_ON.fullmatch(n)}
        environment = passed_on | {
            "REMOVAL_THREADS": str(threads),
            "REMOVAL_ENGINE_PROCESSES": str(processes),
            "REMOVAL_ENGINE_SECONDS": str(math.ceil(settings.REMOVAL_DEADLINE_SECONDS)),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.getenv("PYTHONPATH")))),
        }
        # A new program instead of a fork, which the web process's threads would not survive.
        self._process = subprocess.Popen(  # noqa: S603 (our own program)
            [sys.executable, "-P", "-m", "removal.execution.child",
             str(os.getpid()), *map(str, open_files)],
            pass_fds=open_files, env=environment, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def greet(self, seconds: float) -> wire.Greeting:
        """Wait until it is warm, or reports why it can't start."""
        try:
            if self._connection.poll(seconds):
                return wire.load_greeting(self._connection.recv_bytes())
        except (EOFError, OSError):
            return wire.Unavailable(f"The engine's process ended while it started{self._cause()}.")
        return wire.Unavailable(f"The engine's process did not start within {seconds:.0f} seconds.")

    def work(
        self, job: Job, until: float, begin: Callable[[wire.Begun], float]
    ) -> tuple[wire.Answer, bytes]:
        """Process one picture: the answer, and the result's bytes if there is a result.

        until: a time.monotonic() value; `begin` is told when the work begins, and gives another.
        Raises TookTooLong without an answer by then, ClientGone, and
        WorkInterrupted if the process has ended. It remains usable only after ClientGone.
        """
        try:
            self._order(job)
            answer = wire.load_answer(self._wait(job, until, begin))
            content = self._result.take() if isinstance(answer, wire.Done) else b""
        except (EOFError, OSError) as error:
            raise WorkInterrupted(detail=f"Engine process {self.pid} ended at work") from error
        return answer, content

    def _cause(self) -> str:
        """Why it ended by itself, as far as its status tells."""
        with suppress(subprocess.TimeoutExpired):
            if self._process.wait(END_SECONDS) == -signal.SIGKILL:
                return ": it was killed, as the kernel does where memory runs out"
        return ""

    def kill(self) -> None:
        self._process.kill()

    def wait(self) -> int:
        """Wait until it has ended, by itself or killed: its exit status."""
        return self._process.wait()

    def close(self) -> None:
        """Close its files, once it has ended and no thread talks to it."""
        self._connection.close()
        self._picture.close()
        self._result.close()

    def _order(self, job: Job) -> None:
        self._picture.put(job.data, job.beside)
        order = wire.Order.of(job)
        self._connection.send_bytes(wire.dump_order(order).encode())

    def _wait(self, job: Job, until: float, begin: Callable[[wire.Begun], float]) -> bytes:
        """Cancel the work at its next stage when the client disconnects; killing the process would
        delay the next picture by loading the networks again."""
        gone = False
        while (left := until - time.monotonic()) > 0:
            if self._connection.poll(min(left, LOOK_SECONDS)):
                answer = self._connection.recv_bytes()
                if (begun := wire.load_begun(answer)) is not None:
                    until = begin(begun)
                    continue
                if gone or job.disconnected():
                    raise ClientGone
                return answer
            if not gone and job.disconnected():
                gone = True
                self._connection.send_bytes(wire.CANCEL)
        raise TookTooLong
