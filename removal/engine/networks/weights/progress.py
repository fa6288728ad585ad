"""Tells the operator how far the set-up of the weights has come."""

from collections.abc import Callable
from typing import IO

Progress = Callable[[str, float], None]
"""Told what is being done and which part of it, 0..1, is finished."""


def show_progress(stream: IO[str]) -> Progress:
    """A bar on a terminal, one line a step elsewhere."""
    last = [""]

    def show(what: str, part: float) -> None:
        if stream.isatty():
            filled = round(part * 30)
            end = "\n" if part >= 1 else ""
            stream.write(f"\r{what:<56} [{'#' * filled}{'.' * (30 - filled)}]{end}")
        elif what != last[0]:
            stream.write(f"{what} ...\n")
        last[0] = what
        stream.flush()

    return show
