"""The program of an engine process: processes one picture after another for the web process.

    python -m removal.execution.child PARENT CONNECTION PICTURE RESULT

PARENT is the web process's id, the others are open file descriptors (see engine_process.py). It
uses neither Django nor the database, and is killed without warning when its work takes too long.
"""

import ctypes
import os
import resource
import signal
import sys
import time
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import cv2

from removal import engine
from removal.engine import memory, threads
from removal.engine.mending import mend_cutout
from removal.engine.networks import session

from . import pace, wire
from .job import needs_network
from .shared_file import SharedFile
from .stopwatch import Stopwatch

PR_SET_PDEATHSIG = 1  # of sys/prctl.h
FIRST_TO_GO = "500"  # of 1000: when memory runs out the kernel ends this, not the web process


class Child:
    """Serve the web process: read an order, send its answer, until the connection closes."""

    def __init__(self, connection: Connection, picture: SharedFile, result: SharedFile) -> None:
        self._connection = connection
        self._picture = picture
        self._result = result
        # Of a run of each network; None of what was loaded, and told of, at the start.
        self._seconds: dict[str, float | None] = {}

    def serve(self) -> None:
        try:
            info, own_pace = pace.measure()
        except engine.ModelUnavailable as error:
            self._tell(wire.dump_greeting(wire.Unavailable(str(error))))
            return
        except Exception as error:  # told at /readyz; a process that just ended would say nothing
            traceback.print_exc()
            self._tell(wire.dump_greeting(wire.Unavailable(f"The first picture failed: {error!r}")))
            return
        self._seconds = dict.fromkeys(("", *session.loaded()))
        memory.trim()
        self._tell(wire.dump_greeting(wire.Warm(info, own_pace, session.loaded())))
        while (order := self._next_order()) is not None:
            self._tell(wire.dump_answer(self._answer(order)))
            memory.trim()  # the parent need not wait for this

    def _tell(self, message: str) -> None:
        self._connection.send_bytes(message.encode())

    def _next_order(self) -> wire.Order | None:
        """The next order; None once the web process has ended. Late cancellations are ignored."""
        while True:
            try:
                message = self._connection.recv_bytes()
            except (EOFError, ConnectionResetError):
                return None
            if message != wire.CANCEL:
                return wire.load_order(message)

    def _answer(self, order: wire.Order) -> wire.Answer:
        stopwatch = Stopwatch(self._checkpoint)
        try:
            self._tell(wire.dump_begun(self._begin(order)))
            result = self._work(order, stopwatch)
        except engine.EngineError as error:
            return wire.Failed(error)
        except MemoryError:
            raise  # a new process begins with all there is
        except Exception:
            return wire.Broken(traceback.format_exc())
        stages = stopwatch.stages()
        self._result.put(result.content)  # without room for it, too, a new process begins
        return wire.Done(result.media_type, result.facts, stages)

    def _begin(self, order: wire.Order) -> wire.Begun:
        """Load what is needed before the picture is looked at: its time limit begins after that."""
        model = order.options.model
        if needs_network(order.mending):
            session.networks(model)
        if order.mending is None and model not in self._seconds:  # mending runs none
            began = time.perf_counter()
            session.warm(model)
            self._seconds[model] = time.perf_counter() - began
        return wire.Begun(session.loaded(), self._seconds.get(model))

    def _work(self, order: wire.Order, stopwatch: Stopwatch) -> engine.Result:
        content, options = self._picture.take(), order.options
        content, beside = content[: order.length], content[order.length :]
        if order.mending is not None:
            return mend_cutout(content, beside, order.mending, options, checkpoint=stopwatch)
        return engine.remove_background(
            content,
            options,
            background=beside if order.has_beside else None,
            max_result_pixels=order.max_result_pixels,
            checkpoint=stopwatch,
        )

    def _checkpoint(self, stage: str) -> None:
        """Anything that arrives during work is a cancellation or the end of the connection."""
        if self._connection.poll():
            raise engine.Cancelled


def main() -> None:
    parent, *descriptors = map(int, sys.argv[1:])
    _end_with(parent)
    _behave()
    connection, picture, result = descriptors
    Child(Connection(connection), SharedFile(picture), SharedFile(result)).serve()


def _end_with(parent: int) -> None:
    """Make the kernel kill this process when its parent ends.

    Without Linux, the closed connection is noticed after the current picture.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit()


def _behave() -> None:
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # Ctrl+C goes to the group: let the parent end first
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would contain a user's picture
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO, encoding="ascii")
    cv2.setNumThreads(threads.count())
    memory.share_arenas()


if __name__ == "__main__":
    main()
