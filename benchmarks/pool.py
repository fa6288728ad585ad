"""The engine in processes that can be killed, against the engine in threads of one process.

    make bench-pool
    make bench-pool ARGS="--write"     also into docs/benchmarks.md

Both sides work on the same pictures, bytes to bytes, as many at once as there are slots, in turns,
so that the machine's other load falls on both; what counts is the median of the ratios of such
pairs. The threads are what a web process was before: each picture may use all cores. Memory is the
proportional share (PSS) of each process, at its peak in one more round that is not timed, because
looking costs time, and at rest after all that work. The exit status is 0 where the processes do at
least 0.95 of what the threads do.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from . import report
from .photos import photo

HOME = Path(__file__).parent.parent
SIDES = ("threads", "processes")
SIZES = (1, 25)
LEAST = 0.95
LOOK_SECONDS = 0.05
Cut = Callable[[bytes], None]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--slots", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--pictures", type=int, default=2, help="a round, for each side and slot")
    parser.add_argument("--write", action="store_true", help="put the results into the docs")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        return serve(args.side, args.slots[0])
    text, right = measured(args.slots, args.rounds, args.pictures)
    text = f"{report.machine()}\n\n{text}"
    print(text)
    if args.write:
        report.write_section("pool", text)
    return int(not right)


def measured(slots: list[int], rounds: int, pictures: int) -> tuple[str, bool]:
    """The section of the page, and whether what is wanted holds."""
    speeds, sizes, found = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in slots:
            with _side("threads", number) as one, _side("processes", number) as two:
                for size in SIZES:
                    file = Path(folder) / f"{size}.jpg"
                    file.write_bytes(photo(size))
                    pairs = _pairs(one, two, file, rounds, pictures * number)
                    ratio = statistics.median(a / b for a, b in pairs)
                    speeds.append(_speed(number, size, pictures * number, pairs, ratio))
                    said = f"{number} slots, {size} MP: processes / threads {ratio:.2f}"
                    found.append((said, ratio >= LEAST, f"at least {LEAST}"))
                sizes += [_memory(side, number, pictures * number, file) for side in (one, two)]
    verdict, right = report.verdicts(found)
    head = ("slots", "MP", "threads, pictures/s", "processes, pictures/s", "ratio")
    memory = ("", "slots", "ready after s", "at rest MiB", "peak MiB", "each process, at rest MiB")
    return "\n\n".join([report.table(head, speeds), report.table(memory, sizes), verdict]), right


class Side:
    """One of the two, in a process of its own that is told what to do line by line."""

    def __init__(self, name: str, slots: int) -> None:
        self.name = name
        began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.pool", "--side", name, "--slots", str(slots)],
            cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"REMOVAL_SLOTS": str(slots), "LOG_LEVEL": "ERROR"},
        )  # fmt: skip
        self._read()
        self.ready_seconds = time.perf_counter() - began

    def seconds(self, pictures: int, file: Path) -> float:
        return float(self._ask(f"{pictures} {file}"))

    def watch(self) -> None:
        """From now on look for its peak memory."""
        self._ask("watch")

    def memory(self) -> dict[str, list[float]]:
        return dict(json.loads(self._ask("memory")))

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def _side(name: str, slots: int) -> Iterator[Side]:
    side = Side(name, slots)
    try:
        yield side
    finally:
        side.end()


def _pairs(
    one: Side, two: Side, file: Path, rounds: int, pictures: int
) -> list[tuple[float, float]]:
    """Seconds of both sides for the same pictures; the first round pays for caches."""
    pairs = []
    for number in range(rounds + 1):
        took = {
            side: side.seconds(pictures, file) for side in ((one, two)[:: 1 - 2 * (number % 2)])
        }
        pairs.append((took[one], took[two]))
        print(f"{file.name}: {took[one]:.2f} s, {took[two]:.2f} s", file=sys.stderr, flush=True)
    return pairs[1:]


def _speed(
    slots: int, size: int, pictures: int, pairs: list[tuple[float, float]], ratio: float
) -> tuple[str, ...]:
    rates = [pictures / statistics.median(seconds) for seconds in zip(*pairs, strict=True)]
    return str(slots), str(size), *(f"{rate:.3f}" for rate in rates), f"{ratio:.2f}"


def _memory(side: Side, slots: int, pictures: int, file: Path) -> tuple[str, ...]:
    side.watch()
    side.seconds(pictures, file)
    found = side.memory()
    at_rest = ", ".join(f"{name} {mebibytes:.0f}" for name, mebibytes in found["each"])  # type: ignore[misc, has-type]
    return (
        side.name, str(slots), f"{side.ready_seconds:.1f}", f"{found['rest'][0]:.0f}",
        f"{found['peak'][0]:.0f}", at_rest,
    )  # fmt: skip


def serve(side: str, slots: int) -> int:
    """Be one of the sides: work on what stdin names."""
    cut = {"threads": _by_threads, "processes": _by_processes}[side]()
    peak = Peak()
    print("ready", flush=True)
    with ThreadPoolExecutor(slots) as clients:
        for line in sys.stdin:
            if line.strip() == "watch":
                peak.start()
                print(flush=True)
                continue
            if line.strip() == "memory":
                print(json.dumps(peak.told()), flush=True)
                continue
            pictures, _, path = line.strip().partition(" ")
            data = Path(path).read_bytes()
            began = time.perf_counter()
            list(clients.map(cut, [data] * int(pictures)))
            print(time.perf_counter() - began, flush=True)
    return 0


def _by_threads() -> Cut:
    from removal.engine import memory, remove_background
    from removal.engine.networks import session

    memory.share_arenas()
    session.warm()

    def cut(data: bytes) -> None:
        remove_background(data)
        memory.trim()

    return cut


def _by_processes() -> Cut:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pixian_site.settings")
    django.setup()
    from removal import engine
    from removal.engine import memory
    from removal.execution import Job, answers, pool

    memory.share_arenas()
    pool.shared().start()
    pool.shared().wait()

    def cut(data: bytes) -> None:
        deadline = time.monotonic() + 600
        job = Job(data, engine.inspect(data), engine.Options(), deadline, lambda: False)
        answer, content = pool.shared().run(job)
        answers.result_of(answer, lambda: content)
        memory.trim()

    return cut


class Peak:
    """Watches the memory of this process and its children, in MiB."""

    def __init__(self) -> None:
        self._highest = 0.0

    def start(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()

    def told(self) -> dict[str, object]:
        each = [("main" if pid == os.getpid() else "engine", _pss(pid)) for pid in _family()]
        return {"rest": [sum(size for _, size in each)], "peak": [self._highest], "each": each}

    def _watch(self) -> None:
        pause = threading.Event()
        while True:
            self._highest = max(self._highest, sum(map(_pss, _family())))
            pause.wait(LOOK_SECONDS)


def _family() -> list[int]:
    pids = [os.getpid()]
    for file in Path("/proc/self/task").glob("*/children"):
        with suppress(FileNotFoundError):  # that thread has just ended
            pids += map(int, file.read_text().split())
    return pids


def _pss(pid: int) -> float:
    """The process's share of what it has in memory; 0 where it has just ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (OSError, ProcessLookupError):
        return 0.0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    sys.exit(main())
