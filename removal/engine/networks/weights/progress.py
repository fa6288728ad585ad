"""Tells the operator how far the set-up of the weights has come."""

from collections.abc import Callable
from typing import IO

from tqdm import tqdm

Progress = Callable[[str, float], None]
"""Told what is being done and which part of it, 0..1, is finished."""


def show_progress(stream: IO[str]) -> Progress:
    """A bar for each step on a terminal, one line a step elsewhere."""
    bars: dict[str, tqdm] = {}

    def show(what: str, part: float) -> None:
        if what not in bars:
            bars[what] = _bar(stream, what)
            if bars[what].disable:
                print(f"{what} ...", file=stream, flush=True)
        bar = bars[what]
        bar.update(part - bar.n)
        if part >= 1:
            bar.close()

    return show


def _bar(stream: IO[str], what: str) -> tqdm:
    layout = "{desc:<40} {percentage:3.0f} % |{bar}| {remaining}"
    return tqdm(total=1.0, desc=what, file=stream, bar_format=layout, disable=None)
