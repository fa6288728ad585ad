"""What networks take of a process's memory together: one is at work, the others are at rest."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .guard import PROCESS_MIB
from .ram import MIB

# What a network at rest takes, by its file's size, once a runtime has put its weights in order:
# isnet-fp32 1.1 times that, isnet-int8 1.4 times, BiRefNet-lite twice as much.
RESTING = 2


@dataclass(frozen=True, slots=True)
class Share:
    """One network's. peak: MiB of a process that runs it alone. size: of its file, in bytes.

    keeps: whether it keeps the memory of its runs; all that do so keep it in one store.
    """

    peak: int
    size: int
    keeps: bool = False

    @property
    def resting(self) -> int:
        """MiB, without what it keeps."""
        return self.size * RESTING // MIB


def needed(shares: Sequence[Share]) -> int:
    """MiB of a process that has all of these in memory, whichever of them is at work."""
    kept = max((one.peak - PROCESS_MIB for one in shares if one.keeps), default=0)
    resting = sum(one.resting for one in shares)
    at_work = (one.peak - one.resting + (0 if one.keeps else kept) for one in shares)
    return max(at_work, default=0) + resting


def largest(offered: Mapping[str, Sequence[Share]], count: int) -> tuple[str, ...]:
    """The `count` names that need the most together, in the order of `offered`."""

    def memory(names: Sequence[str]) -> int:
        return needed([share for name in names for share in offered[name]])

    return max(itertools.combinations(offered, min(count, len(offered))), key=memory)
