"""One picture to process, or a cut-out to mend, with its deadline."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from removal import engine
from removal.engine.mending import Mending


@dataclass(frozen=True, slots=True)
class Files:
    """Names in the storage: where a worker finds the picture, and where it leaves the result."""

    picture: str
    result: str


@dataclass(frozen=True, slots=True)
class Job:
    """`deadline` is a time.monotonic() value; `disconnected` tells if the client hung up.

    mending: what to do with `cutout` instead of cutting out the picture.
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
    mending: Mending | None = None
    cutout: bytes = b""

    @property
    def beside(self) -> bytes:
        """The second file: a cut-out, or the picture behind the result."""
        return self.cutout if self.mending else self.options.background_image or b""
