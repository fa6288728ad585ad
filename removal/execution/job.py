"""One picture to process, with its deadline."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from removal import engine


@dataclass(frozen=True, slots=True)
class Files:
    """Names in the storage: where a worker finds the picture, and where it leaves the result."""

    picture: str
    result: str


@dataclass(frozen=True, slots=True)
class Job:
    """`deadline` is a time.monotonic() value; `disconnected` tells if the client hung up.

    files: where the picture is stored already and where the result is to stay. Only workers use
    them; the result then comes without its bytes.
    """

    data: bytes
    header: engine.Header
    options: engine.Options
    deadline: float
    disconnected: Callable[[], bool]
    needs_foreground: bool = False
    goes_first: bool = False  # in the queue, before all others
    queue: Literal["interactive", "batch"] = "interactive"  # whether a client waits for it
    files: Files | None = None
