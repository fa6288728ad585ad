"""Lets the pictures that wait for a network share its next run, where several threads call it.

Nobody waits for company: whoever finds the network free takes along what waits just then. So a lone
picture is run at once, and under load each run has as many as came during the one before.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..arrays import Floats

log = logging.getLogger(__name__)
MOST = 4  # pictures a run: a card's memory is to hold as much for each


@dataclass(slots=True, eq=False)
class Waiting:
    """One thread's tensor and, once it is `done`, the result or what went wrong."""

    tensor: Floats
    result: Floats | None = None
    error: BaseException | None = None
    done: bool = False


class Gatherer:
    """`run(tensor)`, for many threads; the results are those of runs by themselves."""

    def __init__(
        self,
        one: Callable[[Floats], Floats],
        several: Callable[[Sequence[Floats]], Sequence[Floats]],
        examine: Callable[[], None],
    ) -> None:
        """one, several: run one tensor, or several of the same shape.

        examine: raises where several together give anything else than each alone; called before
        the first such run.
        """
        self._one = one
        self._several = several
        self._examine = examine
        self._is_examined = False
        self._most = MOST
        self._waiting: list[Waiting] = []
        self._is_busy = False
        self._changed = threading.Condition()

    def run(self, tensor: Floats) -> Floats:
        own = Waiting(tensor)
        with self._changed:
            self._waiting.append(own)
            self._changed.wait_for(lambda: own.done or not self._is_busy)
            taken = [] if own.done else self._take(own)
        if taken:
            self._work_on(taken)
        if own.error is not None:
            raise own.error
        assert own.result is not None
        return own.result

    def _take(self, own: Waiting) -> list[Waiting]:
        """It, and what else of its shape waits."""
        self._is_busy = True
        alike = [one for one in self._waiting if one.tensor.shape == own.tensor.shape]
        alike.remove(own)
        taken = [own, *alike][: self._most]
        self._waiting = [one for one in self._waiting if one not in taken]
        return taken

    def _work_on(self, taken: list[Waiting]) -> None:
        try:
            if len(taken) == 1 or not self._ran_together(taken):
                for each in taken:
                    self._run_alone(each)
        finally:
            with self._changed:
                for each in taken:
                    each.done = True
                self._is_busy = False
                self._changed.notify_all()

    def _ran_together(self, taken: list[Waiting]) -> bool:
        """Where that fails, all are run alone from now on."""
        try:
            if not self._is_examined:
                self._examine()
                self._is_examined = True
            results = self._several([each.tensor for each in taken])
        except Exception as error:  # a runtime raises classes of its own, by the dozen
            log.warning("Pictures do not share runs from now on: %s", error)
            self._most = 1
            return False
        for each, result in zip(taken, results, strict=True):
            each.result = result
        return True

    def _run_alone(self, each: Waiting) -> None:
        try:
            each.result = self._one(each.tensor)
        except Exception as error:  # its own thread's to raise
            each.error = error
