"""Measures the duration of each stage for one picture."""

import time
from collections.abc import Callable


class Stopwatch:
    """A checkpoint of the engine that also times the stages between its calls."""

    def __init__(self, checkpoint: Callable[[str], None]) -> None:
        self._checkpoint = checkpoint
        self._begun: list[tuple[str, float]] = []

    def __call__(self, stage: str) -> None:
        self._checkpoint(stage)
        self._begun.append((stage, time.perf_counter()))

    def stages(self) -> dict[str, float]:
        """Seconds of each stage; the last one ends now."""
        ends = [begun for _, begun in self._begun[1:]] + [time.perf_counter()]
        return {stage: end - begun for (stage, begun), end in zip(self._begun, ends, strict=True)}
