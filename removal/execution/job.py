"""What an execution is given: one picture to work on, and for how long."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from removal import engine


@dataclass(frozen=True, slots=True)
class Job:
    """`deadline` is in time.monotonic() seconds; `disconnected` tells if the client hung up."""

    data: bytes
    header: engine.Header
    options: engine.Options
    deadline: float
    disconnected: Callable[[], bool]
    needs_foreground: bool = False
    goes_first: bool = False  # in line, before all that don't
    queue: Literal["interactive", "batch"] = "interactive"  # whether somebody waits for it
