"""One picture to process, with its deadline."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from removal import engine


@dataclass(frozen=True, slots=True)
class Job:
    """`deadline` is a time.monotonic() value; `disconnected` tells if the client hung up."""

    data: bytes
    header: engine.Header
    options: engine.Options
    deadline: float
    disconnected: Callable[[], bool]
    needs_foreground: bool = False
    goes_first: bool = False  # in the queue, before all others
    queue: Literal["interactive", "batch"] = "interactive"  # whether a client waits for it
