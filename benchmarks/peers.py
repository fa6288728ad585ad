"""Ours against rembg, with the same ISNet weights, bytes to bytes: `make bench-peers`.

rembg is installed into an environment of its own (var/bench-peers) and pointed at our own weights.
Both sides run as processes that keep their session, and take turns picture by picture, so that the
machine's other load falls on both; what is compared is the median of the ratios of such pairs. For
the peak memory, processes that saw nothing but pictures of that size are compared.

The last lines are `ratio rembg 25MP time 0.25` and the like: ours divided by theirs, so less is
better. `ratio` is REMOVAL_QUALITY=fast, `ratio-best` is best, the default. The exit status is 0
where all of them could be measured. Other peers (withoutbg, backgroundremover) fetch their weights
from hosts other than the package registries, so they are not run.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from removal.engine.networks import weights

from . import environment, report
from .photos import photo

HOME = Path(__file__).parent.parent
ENVIRONMENT = HOME / "var" / "bench-peers"
REQUIREMENTS = Path(__file__).parent / "peers-requirements.txt"
SAME_WEIGHTS = "isnet-fp32"  # the build whose file rembg is given
SIZES = (1, 25)
MEMORY_SIZE = 25
QUALITIES = {"fast": "ratio", "best": "ratio-best"}


@dataclass(frozen=True, slots=True)
class Sample:
    seconds: float
    peak_kib: int


class Side:
    """A worker process; call it with a picture's path."""

    def __init__(self, name: str, python: Path, **environment: str) -> None:
        self._process = subprocess.Popen(
            [python, Path(__file__).parent / "worker.py", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=HOME,
            env=os.environ | {"PYTHONPATH": str(HOME)} | environment,
        )
        self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def __call__(self, picture: Path) -> Sample:
        assert self._process.stdin is not None
        print(picture, file=self._process.stdin, flush=True)
        seconds, peak = self._answer().split()
        return Sample(float(seconds), int(peak))

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("A side stopped before it answered; its reason stands above.")
        return line


@dataclass(slots=True)
class Pairs:
    """Samples of both sides on one picture, taken in turn."""

    ours: list[Sample] = field(default_factory=list)
    theirs: list[Sample] = field(default_factory=list)

    @property
    def time_ratio(self) -> float:
        return statistics.median(
            a.seconds / b.seconds for a, b in zip(self.ours, self.theirs, strict=True)
        )

    @property
    def memory_ratio(self) -> float:
        return self.ours[-1].peak_kib / self.theirs[-1].peak_kib


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5, help="per size and quality")
    parser.add_argument("--write", action="store_true", help="put the results into the docs")
    args = parser.parse_args()
    environment.install(ENVIRONMENT, REQUIREMENTS, "Installing the peers (minutes) ...")
    print(report.machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder), args.pairs)
    rows = [row for quality, pairs in results.items() for row in _rows(quality, pairs)]
    text = report.table(
        ("quality", "MP", "ours s", "rembg s", "ratio", "ours MiB", "rembg MiB"), rows
    )
    lines = [line for quality in ("best", "fast") for line in verdict(quality, results[quality])]
    if args.write:
        listed = "\n".join(f"    {line}" for line in lines)
        report.write_section("peers", f"{report.machine()}\n\n{text}\n\n{listed}")
    print(text, *lines, sep="\n")


def _python() -> Path:
    return ENVIRONMENT / "bin" / "python"


def measure(folder: Path, pairs: int) -> dict[str, dict[int, Pairs]]:
    pictures = {size: folder / f"{size}.jpg" for size in SIZES}
    for size, path in pictures.items():
        path.write_bytes(photo(size))
    theirs = folder / "weights"
    theirs.mkdir()
    (theirs / "isnet-general-use.onnx").symlink_to(weights.path_of(SAME_WEIGHTS))
    return {
        quality: {size: _compare(pictures[size], theirs, quality, pairs) for size in SIZES}
        for quality in QUALITIES
    }


def _compare(picture: Path, theirs: Path, quality: str, pairs: int) -> Pairs:
    print(f"{quality}, {picture.stem} MP ...", file=sys.stderr, flush=True)
    result = Pairs()
    with (
        Side("ours", Path(sys.executable), REMOVAL_QUALITY=quality) as our_side,
        Side("rembg", _python(), U2NET_HOME=str(theirs)) as their_side,
    ):
        our_side(picture), their_side(picture)  # the first pays for caches and compiled code
        for _ in range(pairs):
            result.ours.append(our_side(picture))
            result.theirs.append(their_side(picture))
    return result


def _rows(quality: str, by_size: dict[int, Pairs]) -> list[tuple[str, ...]]:
    return [
        (
            quality,
            str(size),
            f"{statistics.median(sample.seconds for sample in pairs.ours):.2f}",
            f"{statistics.median(sample.seconds for sample in pairs.theirs):.2f}",
            f"{pairs.time_ratio:.2f}",
            f"{pairs.ours[-1].peak_kib / 1024:.0f}",
            f"{pairs.theirs[-1].peak_kib / 1024:.0f}",
        )
        for size, pairs in by_size.items()
    ]


def verdict(quality: str, by_size: dict[int, Pairs]) -> list[str]:
    name = f"{QUALITIES[quality]} rembg"
    times = [f"{name} {size}MP time {by_size[size].time_ratio:.2f}" for size in SIZES]
    return [*times, f"{name} {MEMORY_SIZE}MP memory {by_size[MEMORY_SIZE].memory_ratio:.2f}"]


if __name__ == "__main__":
    main()
