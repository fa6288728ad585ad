"""Measures this machine's speed, from which each picture's time limit is calculated.

Each process measures it once, on a picture of one megapixel, after a first run that warms the
networks. What else runs meanwhile makes it seem slower, so a pool goes by the fastest of its
processes.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from removal import engine
from removal.engine.networks import guard, session

from .stopwatch import Stopwatch

NETWORK = "mask"  # the stage whose duration does not depend on the picture's size
SIDE = 1000  # of the picture that is timed
MEGAPIXEL = 1_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds for the networks, and for all other stages for each megapixel read or written."""

    network: float
    per_megapixel: float

    def best(self, other: "Pace") -> "Pace":
        """The faster one, for each of the two speeds."""
        return Pace(min(self.network, other.network), min(self.per_megapixel, other.per_megapixel))

    def expected(self, header: engine.Header, options: engine.Options) -> float:
        """The expected seconds for this picture."""
        width, height = options.target_size or header.size
        background = engine.MAX_PIXELS if options.has_background_picture else 0
        megapixels = (header.pixels + width * height + background) / MEGAPIXEL
        return self.network + self.per_megapixel * megapixels


def measure() -> tuple[session.EngineInfo, Pace]:
    """Load the networks and process one picture twice.

    Raises ModelUnavailable, also where the second took longer than the deadline allows.
    """
    info = session.networks().info
    sample = _sample()
    engine.remove_background(sample)  # the first run is slower: code and memory are loaded
    stopwatch = Stopwatch(lambda stage: None)
    engine.remove_background(sample, checkpoint=stopwatch)
    stages = stopwatch.stages()
    guard.require_time(sum(stages.values()), session.Settings.from_environment().limits)
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
