"""How much memory this process may use: the machine's, and what its control groups leave of it.

Linux alone tells; docs: proc(5), and the kernel's cgroup-v1/memory and cgroup-v2.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MIB = 2**20
KIB_A_MIB = 1024
ROOT = Path("/")
# What one version or the other calls the file pages that the kernel gives back when asked to.
_RECLAIMABLE = ("inactive_file", "active_file", "total_inactive_file", "total_active_file")


@dataclass(frozen=True, slots=True)
class Memory:
    """In MiB. limit: at most, without swap; free: of it now, free swap included."""

    limit: int
    free: int
    of_container: bool = False  # a control group sets the limit, not the machine's size


def read(root: Path = ROOT) -> Memory | None:
    """What is to be had below `root`/proc and `root`/sys; None where no machine tells."""
    lines = _fields(root / "proc/meminfo", ":")
    if "MemTotal" not in lines or "MemAvailable" not in lines:
        return None
    swap = lines.get("SwapFree", 0) // KIB_A_MIB
    limit, available = lines["MemTotal"] // KIB_A_MIB, lines["MemAvailable"] // KIB_A_MIB
    groups = [one for folder in _groups(root) for one in _limits(folder, swap)]
    smallest = min((one.limit for one in groups), default=limit)
    free = min(available + swap, *(one.free for one in groups), limit + swap)
    return Memory(min(limit, smallest), max(0, free), of_container=smallest < limit)


def _groups(root: Path) -> Iterator[Path]:
    """The folders of this process's memory groups, each with those above it.

    In a container the path may be the host's, of which only the mount itself is to be seen.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        number, controllers, path = ([*line.split(":", 2), "", ""])[:3]
        if "memory" in controllers.split(","):
            mount = root / "sys/fs/cgroup/memory"
        elif number == "0" and not controllers:
            mount = root / "sys/fs/cgroup"
        else:
            continue
        inner = PurePosixPath(path.lstrip("/"))
        if ".." not in inner.parts:
            yield from (mount / part for part in (inner, *inner.parents))


def _limits(folder: Path, swap: int) -> Iterator[Memory]:
    """Of one group, where it has a limit: version 2's `max` and `high`, else version 1's."""
    usage, swaps = _number(folder / "memory.current"), _swap(folder, swap)
    limits = [_number(folder / "memory.max"), _number(folder / "memory.high")]
    if usage is None:
        usage, swaps = _number(folder / "memory.usage_in_bytes"), 0
        limits = [_number(folder / "memory.limit_in_bytes")]
    if usage is None:
        return
    stat = _fields(folder / "memory.stat", " ")
    # Version 1 counts a group's children under "total_" and itself without; take one of the two.
    kept = max(
        sum(stat.get(name, 0) for name in _RECLAIMABLE[:2]),
        sum(stat.get(name, 0) for name in _RECLAIMABLE[2:]),
    )
    for limit in limits:
        if limit is not None:
            yield Memory(limit // MIB, (limit - max(0, usage - kept)) // MIB + swaps)


def _swap(folder: Path, free: int) -> int:
    """MiB of the machine's free swap that a group of version 2 may still take."""
    most, used = _number(folder / "memory.swap.max"), _number(folder / "memory.swap.current")
    return free if most is None else min(free, max(0, most - (used or 0)) // MIB)


def _number(path: Path) -> int | None:
    """None where there is none: no such file, or "max"."""
    with suppress(OSError, ValueError):
        return int(path.read_text(encoding="ascii"))
    return None


def _fields(path: Path, separator: str) -> dict[str, int]:
    """The lines "name<separator> number ..." of a file; none where it cannot be read."""
    found = {}
    with suppress(OSError, UnicodeDecodeError):
        for line in path.read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(separator)
            with suppress(ValueError, IndexError):
                found[name.strip()] = int(value.split()[0])
    return found


def own(what: str = "VmRSS") -> int:
    """MiB that this process has now, or with "VmHWM" had at most; 0 where no system tells."""
    return _fields(ROOT / "proc/self/status", ":").get(what, 0) // KIB_A_MIB


def forget_peak() -> None:
    """Have the process's peak begin anew."""
    with suppress(OSError):
        (ROOT / "proc/self/clear_refs").write_text("5", encoding="ascii")
