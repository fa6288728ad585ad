"""One picture to process, or a cut-out to mend, with its deadline."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from removal import engine
from removal.engine.mending import Mending
from removal.engine.options import MAX_RESULT_PIXELS


@dataclass(frozen=True, slots=True)
class Files:
    """Names in the storage: where a worker finds the picture, and where it leaves the result."""

    picture: str
    result: str


@dataclass(frozen=True, slots=True)
class Job:
    """`deadline` is a time.monotonic() value; `disconnected` tells if the client hung up.

    beside: a second file: the picture behind the result or, to mend it, a cut-out.
    mending: what to do with that cut-out instead of cutting out the picture.
    files: where a worker finds the picture and leaves the result. Then `data` is empty, as are the
    result's bytes.
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
    beside: bytes = b""
    max_result_pixels: int = MAX_RESULT_PIXELS
    mending: Mending | None = None


def needs_network(mending: Mending | None) -> bool:
    """Whether a network has to be in memory for work whose mending this is; None: of a cut-out."""
    return mending is None or mending.needs_network
