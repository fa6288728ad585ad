"""How fast this machine is, by which work on each picture is given a time.

The pace is taken once a process, on a picture of one megapixel that warms the networks as well.
The processes of all slots do so together: it is the pace of a machine under its own load.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from removal import engine
from removal.engine.networks import session

from .stopwatch import Stopwatch

NETWORK = "mask"  # the stage whose time does not depend on the picture's size
SIDE = 1000  # of the picture that is timed
MEGAPIXEL = 1_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that the networks take, and all other stages for a megapixel read or written."""

    network: float
    per_megapixel: float

    def expected(self, header: engine.Header, options: engine.Options) -> float:
        """Seconds that work on this picture should take."""
        width, height = options.target_size or header.size
        background = engine.MAX_PIXELS if options.background_image is not None else 0
        megapixels = (header.pixels + width * height + background) / MEGAPIXEL
        return self.network + self.per_megapixel * megapixels


def measure() -> tuple[session.EngineInfo, Pace]:
    """Load the networks and work once. ModelUnavailable."""
    info = session.networks().info
    stopwatch = Stopwatch(lambda stage: None)
    engine.remove_background(_sample(), checkpoint=stopwatch)
    stages = stopwatch.stages()
    network = stages[NETWORK]
    read_and_written = 2 * SIDE * SIDE / MEGAPIXEL
    return info, Pace(network, (sum(stages.values()) - network) / read_and_written)


def _sample() -> bytes:
    """A light ellipse before a dark gradient, as a JPEG."""
    rows = np.linspace(0, 80, SIDE, dtype=np.uint8)
    picture = np.repeat(rows, SIDE * 3).reshape(SIDE, SIDE, 3)
    middle, axes = (SIDE // 2, SIDE // 2), (SIDE // 4, SIDE // 3)
    cv2.ellipse(picture, middle, axes, 0, 0, 360, (170, 200, 230), cv2.FILLED)
    return bytes(cv2.imencode(".jpg", picture)[1])
