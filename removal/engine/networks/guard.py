"""Refuses networks for which this machine has no memory or time; has heavy ones load in turn.

`loading` is to be put around whatever opens a network. With REMOVAL_GUARD=warn the same is logged,
and the network loaded.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..arrays import Floats
from ..environment import Environment
from ..errors import ModelUnavailable
from . import notes, ram
from .ram import Memory
from .recipes import Recipe

log = logging.getLogger(__name__)
MODES = ("refuse", "warn")
HEAVY_MIB = 1500  # from here on networks are loaded one after the other
TURN_SECONDS = 300  # that a process waits for the others
LOOK_SECONDS = 0.1
PROCESS_MIB = 80  # of a process without a network: of every figure, as it was measured
LARGEST = 1.5  # a file's size at least, while it is read into memory
MEASURED = "measured-memory.json"
WORTH_RECORDING = 256  # MiB: what takes less fits anywhere
ANYWAY = "REMOVAL_GUARD=warn runs it all the same."


class MemoryInUse(ModelUnavailable):
    """The machine has the memory, but not free at the moment."""

    code = "memory_in_use"


# How onnxruntime, CUDA and its libraries say that memory, a card's too, was not to be had.
NO_MEMORY = re.compile("out of memory|failed to allocate|alloc_failed|bad.?alloc", re.IGNORECASE)


def refusal(sentence: str) -> ModelUnavailable:
    """For a runtime's error: MemoryInUse where another network may make room by leaving."""
    return (MemoryInUse if NO_MEMORY.search(sentence) else ModelUnavailable)(sentence)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a network has to fit; the defaults of one process without a deadline.

    processes: that run it on this machine. seconds: for one picture; 0 without a deadline. Both are
    set by the server for its engine processes.
    """

    processes: int = 1  # REMOVAL_ENGINE_PROCESSES
    seconds: int = 0  # REMOVAL_ENGINE_SECONDS
    refuses: bool = True  # REMOVAL_GUARD

    @classmethod
    def from_environment(cls, environment: Environment) -> Limits:
        return cls(
            processes=environment.whole("REMOVAL_ENGINE_PROCESSES") or 1,
            seconds=environment.whole("REMOVAL_ENGINE_SECONDS"),
            refuses=environment.choice("REMOVAL_GUARD", MODES) == "refuse",
        )


@contextmanager
def loading(
    path: Path, recipe: Recipe, device: str, limits: Limits, folder: Path
) -> Iterator[bool]:
    """Around opening and trying a network on a processor: its turn, and memory enough for it.

    Yields whether its peak is known; else that is measured around this, so that it has to be run,
    and noted in `folder`, that of the weights. A graphics card's memory is not looked at.
    ModelUnavailable gives the figures.
    """
    if device == "cuda":
        yield True
        return
    known = recipe.memory_mib or measured(path, folder)
    with turn(folder, known):
        needed = expected(path, recipe, folder)
        _object(lacking(needed, limits.processes, ram.read()), limits)
        before = ram.own()
        _object(_not_free(needed, before, ram.read()), limits, MemoryInUse)
        ram.forget_peak()
        yield known > 0
        if not known and (peak := ram.own("VmHWM")):
            found = peak - max(0, before - PROCESS_MIB)
            if found >= WORTH_RECORDING:
                notes.write(folder, MEASURED, path, found)
            _object(lacking(found, limits.processes, ram.read()), limits)


def lacking(
    mib: int,
    processes: int,
    memory: Memory | None,
    what: str = "It takes",
    otherwise: str = "choose another network",
) -> str:
    """Why all processes together never have the memory; "" where they have, or none can tell.

    what, otherwise: who takes it, and what else to do, for the sentence.
    """
    if memory is None or mib * processes <= memory.limit:
        return ""
    owner = "this container may use" if memory.of_container else "this machine has"
    takes = f"{what} up to {mib:,} MiB of memory"
    if processes > 1:
        takes += f" in each of {processes} slots, {mib * processes:,} MiB in all"
    fit = memory.limit // max(1, mib)
    mend = f"Set REMOVAL_SLOTS={fit}, give it more" if fit else "Give it more"
    return (
        f"{takes}, and {owner} {memory.limit:,} MiB. {mend}, or {otherwise} (docs/models.md). "
        f"{ANYWAY}"
    )


def require_room(names: Sequence[str], mib: int, limits: Limits) -> None:
    """ModelUnavailable where these networks, `mib` together, never fit into the memory at once."""
    stay = " + ".join(names)
    what = (
        f"{stay}, which REMOVAL_MODELS_LOADED={len(names)} lets stay in memory together, take"
        if len(names) > 1
        else f"{stay} of REMOVAL_MODELS takes"
    )
    otherwise = "lower REMOVAL_MODELS_LOADED" if len(names) > 1 else "do not offer it"
    _object(lacking(mib, limits.processes, ram.read(), what, otherwise), limits)


def in_time(run: Callable[[Floats], Floats], limits: Limits) -> Callable[[Floats], Floats]:
    """`run`, which refuses the network once a run takes longer than one picture may."""

    def timed(tensor: Floats) -> Floats:
        began = time.monotonic()
        result = run(tensor)
        require_time(time.monotonic() - began, limits)
        return result

    return timed


def require_time(seconds: float, limits: Limits) -> None:
    """ModelUnavailable where a picture, which took `seconds`, would miss the deadline."""
    if limits.seconds and seconds > limits.seconds:
        _object(
            f"A picture takes {seconds:.0f} s here, and the deadline is {limits.seconds} s. Choose "
            "a quicker network (docs/models.md), give a slot more cores (REMOVAL_SLOTS, "
            f"REMOVAL_THREADS), or raise REMOVAL_DEADLINE_SECONDS. {ANYWAY}",
            limits,
        )


@contextmanager
def turn(folder: Path, mib: int) -> Iterator[None]:
    """One process at a time loads or builds a heavy network of `folder`.

    mib: what it takes; light networks wait for none, those of which it is not known (0) do. Where
    the file system knows no locks there are no turns. ModelUnavailable if the others do not end.
    """
    with ExitStack() as stack:
        if mib >= HEAVY_MIB or not mib:
            with suppress(OSError):
                descriptor = os.open(folder, os.O_RDONLY)
                stack.callback(os.close, descriptor)
                _lock(descriptor)
        yield


def expected(path: Path, recipe: Recipe, folder: Path) -> int:
    """MiB of a process that runs the network: known or measured, else what its file takes alone."""
    return recipe.memory_mib or measured(path, folder) or _least(path)


def measured(path: Path, folder: Path) -> int:
    """MiB that a file took when it was loaded here before; 0 if it was not, or has changed."""
    found = notes.read(folder, MEASURED, path)
    return found if isinstance(found, int) and found > 0 else 0


def _lock(descriptor: int) -> None:
    """OSError where there are no locks."""
    until = time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(LOOK_SECONDS)
    raise ModelUnavailable(
        f"Another process has been loading or building a network for {TURN_SECONDS} s, and only "
        "one may at a time. Wait for it, or end it."
    )


def _object(sentence: str, limits: Limits, kind: type[ModelUnavailable] = ModelUnavailable) -> None:
    if sentence and limits.refuses:
        raise kind(sentence)
    if sentence:
        log.warning(sentence)


def _not_free(mib: int, own: int, memory: Memory | None) -> str:
    """own: MiB that this process has already, of which the figure counts PROCESS_MIB."""
    needed = mib - min(own, PROCESS_MIB)
    if memory is None or needed <= memory.free:
        return ""
    return (
        f"It takes up to {needed:,} MiB of memory more than now, and {memory.free:,} MiB of "
        f"{memory.limit:,} MiB are free. End what else takes memory here, set fewer REMOVAL_SLOTS, "
        f"or choose another network (docs/models.md). {ANYWAY}"
    )


def _least(path: Path) -> int:
    try:
        return PROCESS_MIB + int(path.stat().st_size * LARGEST) // ram.MIB
    except OSError:
        return 0  # opening it will say what is wrong
