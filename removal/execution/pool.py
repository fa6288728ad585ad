"""The engine processes of this web process: one for each slot, killed when a step gets stuck.

Requests take a free process, talk to it directly and return it. A thread for each slot starts the
process, waits for its end and starts the next.
"""

import atexit
import logging
import math
import threading
import time
from collections.abc import Sequence
from functools import cache, partial
from typing import Literal

from django.conf import settings

from removal import metrics
from removal.engine import threads
from removal.engine.environment import Environment
from removal.engine.networks import guard
from removal.errors import ClientGone, EngineUnavailable, TookTooLong

from . import budget, wire
from .engine_process import LOOK_SECONDS, EngineProcess
from .job import Job, needs_network
from .pace import Pace

log = logging.getLogger(__name__)
WARM_SECONDS = 300  # within which a process has to load its networks, once it is its turn
START_RUNS = 7  # of a network at a start at most: its trials, and the pictures that are timed
AGAIN_SECONDS = (0, 1, 5, 30)  # before the next start, by the number of failed starts


class Slot:
    """One slot: its process and that one's state, guarded by the pool's lock."""

    def __init__(self) -> None:
        self.process: EngineProcess | None = None
        self.warm: wire.Warm | None = None  # the process's report, once it is ready
        self.reason = ""  # why it did not start
        self.loaded: tuple[str, ...] = ()  # the networks in the process's memory, as it last said
        self.busy = False
        self.began = self.until = 0.0  # of its work, a time.monotonic() value
        self.was_stuck = False  # until the next process starts

    @property
    def is_stuck(self) -> bool:
        late = self.began + (self.until - self.began) * budget.STUCK_SHARE
        return self.was_stuck or (self.busy and time.monotonic() > late)

    @property
    def state(self) -> Literal["up", "stuck", "failed", "starting"]:
        if self.is_stuck:
            return "stuck"
        if self.warm is not None:
            return "up"
        return "failed" if self.reason else "starting"


class Pool:
    """Thread-safe. Starts with the first picture, unless it was started before."""

    def __init__(self, size: int) -> None:
        self.slots: Sequence[Slot] = tuple(Slot() for _ in range(size))
        self._paces: dict[str, Pace] = {}  # by network, the fastest that a process measured
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._closed = threading.Event()

    def start(self) -> None:
        with self._changed:
            if self._threads:
                return
            self._threads = [
                threading.Thread(target=self._keep, args=(slot,), name="slot", daemon=True)
                for slot in self.slots
            ]
        for thread in self._threads:
            thread.start()

    def wait(self, seconds: float = WARM_SECONDS) -> None:
        """Wait until each slot has a ready process, or has failed to start one."""
        with self._changed:
            self._changed.wait_for(
                lambda: all(slot.state in ("up", "failed") for slot in self.slots), seconds
            )

    def close(self) -> None:
        """Kill all processes, working or not."""
        with self._changed:
            self._closed.set()
            processes = [slot.process for slot in self.slots if slot.process is not None]
        for process in processes:
            process.kill()
        for thread in self._threads:
            thread.join()

    def run(self, job: Job) -> tuple[wire.Answer, bytes]:
        """Process one picture: the answer, and the result's bytes if there is a result.

        Raises TookTooLong, ClientGone and EngineUnavailable.
        """
        self.start()
        slot, process = self._take(job)
        try:
            return process.work(job, slot.until, partial(self._begin, slot, job))
        except ClientGone:
            raise
        except BaseException as error:
            self._end(slot, process, error)
            raise
        finally:
            self._give_back(slot)

    def _take(self, job: Job) -> tuple[Slot, EngineProcess]:
        """A ready process: each request has a slot, but its process may still be starting."""
        while True:
            with self._changed:
                if (taken := self._take_free(job)) is not None:
                    return taken
                if all(slot.state == "failed" for slot in self.slots):
                    raise EngineUnavailable(detail=self.slots[0].reason)
                left = job.deadline - time.monotonic()
                if left <= 0:
                    raise TookTooLong
                self._changed.wait(min(left, LOOK_SECONDS))
            if job.disconnected():
                raise ClientGone

    def _take_free(self, job: Job) -> tuple[Slot, EngineProcess] | None:
        """A free slot, best one whose process has the network in memory."""
        free = [slot for slot in self.slots if slot.warm is not None and not slot.busy]
        free.sort(key=lambda slot: _model(slot, job) not in slot.loaded)
        for slot in free:
            if slot.process is not None:
                slot.busy, slot.began = True, time.monotonic()
                slot.until = min(job.deadline, slot.began + self._seconds(slot, job))
                return slot, slot.process
        return None

    def _seconds(self, slot: Slot, job: Job) -> float:
        """The time limit. Loading a network has no other than the deadline, as no picture is looked
        at until then; see `_begin`."""
        model = _model(slot, job)
        if needs_network(job.mending) and model not in slot.loaded:
            return math.inf
        return budget.seconds(self._paces.get(model, _pace(slot)), job)

    def _begin(self, slot: Slot, job: Job, begun: wire.Begun) -> float:
        """The process has the networks in memory that the job needs: until when it may work."""
        with self._changed:
            slot.loaded = begun.loaded
            if begun.seconds is not None:
                model, pace = _model(slot, job), Pace(begun.seconds, _pace(slot).per_megapixel)
                self._paces[model] = pace.best(self._paces.get(model, pace))
            slot.began = time.monotonic()
            slot.until = min(job.deadline, slot.began + self._seconds(slot, job))
            return slot.until

    def _give_back(self, slot: Slot) -> None:
        with self._changed:
            slot.busy = False
            self._changed.notify_all()

    def _end(self, slot: Slot, process: EngineProcess, error: BaseException) -> None:
        """Kill a process in an unknown state; another replaces it."""
        with self._changed:
            slot.warm = None
            slot.was_stuck = isinstance(error, TookTooLong)
        process.kill()
        if slot.was_stuck:
            metrics.count_ended_process("stuck")
            log.warning(
                "Engine process %d was ended: its work took longer than %.0f s",
                process.pid, slot.until - slot.began,
            )  # fmt: skip

    def _keep(self, slot: Slot) -> None:
        """Keep a process running for as long as the pool lives. The kernel kills a process with the
        thread that started it (child.py), so this thread also waits for it."""
        failures = 0
        while not self._closed.wait(AGAIN_SECONDS[min(failures, len(AGAIN_SECONDS) - 1)]):
            try:
                process = EngineProcess(
                    threads_each(len(self.slots)), _processes_beside(len(self.slots))
                )
            except OSError as error:
                self._fail(slot, f"No engine process could be started: {error}")
                failures += 1
                continue
            is_ready = self._make_ready(slot, process)
            failures = 0 if is_ready else failures + 1
            self._end_of(slot, process, process.wait(), is_ready)

    def _make_ready(self, slot: Slot, process: EngineProcess) -> bool:
        with self._changed:
            slot.process = process
        match process.greet(_start_seconds()):
            case wire.Unavailable(reason):
                process.kill()
                self._fail(slot, reason)
                return False
            case wire.Warm() as warm:
                with self._changed:
                    slot.warm, slot.reason, slot.was_stuck = warm, "", False
                    slot.loaded = warm.loaded
                    for model in warm.loaded:
                        self._paces[model] = warm.pace.best(self._paces.get(model, warm.pace))
                    self._changed.notify_all()
                log.info("Engine process %d is ready: %s", process.pid, warm.info)
                return True

    def _fail(self, slot: Slot, reason: str) -> None:
        if self._closed.is_set():
            return
        log.error("The engine is not ready: %s", reason)
        with self._changed:
            slot.reason = reason
            self._changed.notify_all()

    def _end_of(self, slot: Slot, process: EngineProcess, status: int, was_ready: bool) -> None:
        with self._changed:
            slot.process = slot.warm = None
            self._changed.wait_for(lambda: not slot.busy)  # until no request uses it any more
            expected = slot.was_stuck or not was_ready or self._closed.is_set()
        process.close()
        if not expected:
            metrics.count_ended_process("died")
            log.error("Engine process %d ended with status %d", process.pid, status)


def _pace(slot: Slot) -> Pace:
    """As its process measured it at its start; if that has just died, the limit is the floor."""
    return slot.warm.pace if slot.warm is not None else Pace(0, 0)


def _model(slot: Slot, job: Job) -> str:
    """The network that the job runs: where it names none, that which the process loads first."""
    default = slot.warm.loaded[0] if slot.warm is not None and slot.warm.loaded else ""
    return job.options.model or default


def threads_each(processes: int) -> int:
    """Threads for each process: as set, or its share of the cores."""
    return threads.configured() or max(1, round(threads.available_cores() / processes))


def _start_seconds() -> float:
    """For a process's turn, and for the slowest network that the deadline allows."""
    tried = START_RUNS * settings.REMOVAL_DEADLINE_SECONDS
    return guard.TURN_SECONDS + float(max(WARM_SECONDS, tried))


def _processes_beside(processes: int) -> int:
    """A worker's command says how many workers it has started, each with a pool of one."""
    return max(processes, Environment().whole("REMOVAL_ENGINE_PROCESSES"))


@cache
def shared() -> Pool:
    """This web process's pool, with REMOVAL_SLOTS slots."""
    pool = Pool(settings.REMOVAL_SLOTS)
    atexit.register(pool.close)
    return pool
