"""Has batches' pictures processed by workers, as many at once as there are slots, in two threads.

One claims pictures, waits for a slot for each and enqueues it. The other collects the answers to
all of them and gives up those that are lost, late or cancelled. Outcome and charge are decided by
the steps of removal/services.py, as for every request.
"""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import NoReturn

import structlog
from django.conf import settings

from removal import engine, services
from removal.errors import RemovalError, SlowDown
from removal.execution import mailbox, queue
from removal.limits import HourUsedUp
from removal.models import BatchPicture

from . import loop, runner

LOOK_SECONDS = 1.0  # how often pictures at work are checked: a few queries each


class Flight:
    """A claimed picture on its way through a worker. Raises RemovalError."""

    def __init__(self, picture: BatchPicture) -> None:
        self._picture = picture
        self._steps = runner.steps_of(picture)
        self.work = queue.Work(next(self._steps))

    def end(self, result: Callable[[], engine.Result]) -> None:
        """Finish the request with this result or error, and record what became of the picture."""
        with structlog.contextvars.bound_contextvars(work=self.work.id):
            outcome = partial(services.finish, self._steps, partial(self._last, result))
            runner.conclude(self._picture, outcome)

    def _last(self, result: Callable[[], engine.Result]) -> engine.Result:
        with self.work:
            return result()


class Dispatcher:
    """The pictures that this process has given to workers."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}  # by the work's id
        self._changed = threading.Condition()
        self._full: dict[int, float] = {}  # account -> until when it is known to have no room
        self._look_at = 0.0

    def begin_next(self) -> bool:
        """Enqueue the next picture that is due, of an account that may have more at work."""
        now = time.monotonic()
        picture = runner.claim([account for account, until in self._full.items() if until > now])
        if picture is None:
            with self._changed:
                self._changed.wait(loop.IDLE_SECONDS)
            return True
        try:
            flight = Flight(picture)
        except RemovalError as error:
            self._note_full(picture, error)
            runner.conclude(picture, partial(_raise, error))
            return True
        try:
            flight.work.begin()
        except Exception as error:
            flight.end(partial(_raise, error))
            return True
        with self._changed:
            self._flights[flight.work.id] = flight
            self._changed.notify_all()
        return True

    def _note_full(self, picture: BatchPicture, error: RemovalError) -> None:
        """Leave an account alone that has no room. Else all of its waiting pictures would be
        claimed and put back, again and again."""
        if isinstance(error, SlowDown) and not isinstance(error, HourUsedUp):
            until = time.monotonic() + runner.PAUSE.total_seconds()
            self._full = {**self._full, picture.batch.user_id: until}

    def collect(self) -> bool:
        """Wait for the next answer; each LOOK_SECONDS check the pictures that have none."""
        with self._changed:
            self._changed.wait_for(lambda: self._flights, loop.IDLE_SECONDS)
            flights = dict(self._flights)
        if not flights:
            return True
        if time.monotonic() >= self._look_at:
            for flight in flights.values():
                self._look(flight)
            self._look_at = time.monotonic() + LOOK_SECONDS
            return True
        answered = mailbox.wait_for_answer(list(flights), queue.LOOK_SECONDS)
        if answered is not None:
            flight = flights[answered.work]
            self._end(flight, partial(flight.work.result, answered.message))
        return True

    def _look(self, flight: Flight) -> None:
        try:
            answered = flight.work.look()
        except Exception as error:
            self._end(flight, partial(_raise, error))
        else:
            if answered is not None:
                self._end(flight, partial(flight.work.result, answered.message))

    def _end(self, flight: Flight, result: Callable[[], engine.Result]) -> None:
        with self._changed:
            del self._flights[flight.work.id]
        flight.end(result)
        with self._changed:
            self._full = {}
            self._changed.notify_all()


def start() -> None:
    """Start both threads, which run for as long as the process lives; with REMOVAL_BATCH_WORKERS=0
    start none."""
    if settings.REMOVAL_BATCH_WORKERS:
        dispatcher = Dispatcher()
        loop.start("batch-begin", dispatcher.begin_next)
        loop.start("batch-collect", dispatcher.collect)


def _raise(error: Exception) -> NoReturn:
    raise error
