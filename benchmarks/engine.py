"""Time and memory of one picture, bytes to bytes, as ratios to the bare run of its networks.

    make bench                                       everything; some minutes
    python -m benchmarks.engine --sizes 1 25 --formats png
    python -m benchmarks.engine --write              also into docs/benchmarks.md

Each row is a process of its own, so that its peak memory is its own. In it, requests and bare runs
of the networks that the picture is given to take turns, and medians are compared: what else the
machine does meanwhile falls on both.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from removal.engine import Options, remove_background
from removal.engine.arrays import Floats
from removal.engine.matting import letterbox, predict
from removal.engine.networks import session
from removal.engine.networks.opening import Network
from removal.engine.options import MAX_PIXELS, OUTPUT_FORMATS
from removal.engine.pipeline import STAGES
from removal.engine.reading import decode

from . import report
from .photos import photo

SIZES = (0.25, 1, 6, 12, 25, 32)
FORMATS = tuple(name for name in OUTPUT_FORMATS if name != "auto")
CONCURRENCY = (1, 2, 4)  # in one process; beyond the cores requests only wait for one another
DELTA_LIMIT = 25  # megapixels: a delta of a shrunk picture is refused
MEBIBYTE_OF_KIB = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=float, nargs="+", default=SIZES, metavar="MP")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the results into the docs")
    parser.add_argument("--row", nargs=3, help=argparse.SUPPRESS)  # a child's job: kind, input, arg
    args = parser.parse_args()
    if args.row:
        kind, path, argument = args.row
        print(json.dumps(_CHILDREN[kind](Path(path).read_bytes(), argument, args.repeats)))
        return
    with tempfile.TemporaryDirectory() as folder:
        _measure_all(Path(folder), args)


def _measure_all(folder: Path, args: argparse.Namespace) -> None:
    files = {size: folder / f"{size:g}.jpg" for size in {*args.sizes, 1.0}}
    for size, path in files.items():
        path.write_bytes(photo(size))
    print(report.machine(), flush=True)
    rows = []
    for size in args.sizes:
        for name in args.formats:
            if name != "delta_png" or size <= DELTA_LIMIT:
                rows.append(_child("single", files[size], name, args.repeats))
                rows[-1] |= {"size": size, "format": name}
                print(_progress(rows[-1]), file=sys.stderr, flush=True)
    crowd = [_child("crowd", files[1.0], str(n), args.repeats) for n in CONCURRENCY]
    text = "\n\n".join([_overview(rows), _stage_table(rows), _crowd_table(crowd)])
    print(f"Networks: {rows[0]['networks']}\n\n{text}")
    if args.write:
        _write(rows, text)


def _child(kind: str, path: Path, argument: str, repeats: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.engine", "--repeats", str(repeats)]
    done = subprocess.run(
        [*command, "--row", kind, str(path), argument], stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise SystemExit(f"{kind} {path.name} {argument} failed; its reason stands above.")
    return dict(json.loads(done.stdout))


def _single(data: bytes, name: str, repeats: int) -> dict[str, Any]:
    """In a child: times of requests and of bare runs in turn, and the memory at the end."""
    options = Options(output_format=name, background=(255, 255, 255) if name == "jpeg" else None)
    bare_run = _bare_run(data)
    stages: dict[str, list[float]] = defaultdict(list)
    bare, total = [], []
    for _ in range(repeats):
        bare.append(seconds(bare_run))
        total.append(_request(data, options, stages))
    return {
        "networks": str(session.networks().info),
        "bare": statistics.median(bare),
        "total": statistics.median(total),
        "stages": {stage: statistics.median(times) for stage, times in stages.items()},
        "peak": _peak_mebibytes(),
    }


def _bare_run(data: bytes) -> Callable[[], None]:
    """One run of each network that the picture is given to, warmed, on an input that is ready."""
    session.warm()
    given = _given(data)
    tensors = [np.zeros((1, 3, n.side, n.side), np.float32) for n in given]

    def run() -> None:
        for network, tensor in zip(given, tensors, strict=True):
            network.run(tensor)

    return run


def _given(data: bytes) -> list[Network]:
    """The networks that see the picture: the second one is asked only where the first doubts."""
    ready, given = session.networks(), []

    def noted(network: Network) -> Network:
        def run(tensor: Floats) -> Floats:
            given.append(network)
            return network.run(tensor)

        return replace(network, run=run)

    picture = decode.decode(decode.opened(data), MAX_PIXELS)
    frame, _ = letterbox.framed(picture.rgb, ready.main.side)
    second = noted(ready.second) if ready.second else None
    predict.predict(frame, replace(ready, main=noted(ready.main), second=second))
    return given


def seconds(work: Callable[[], object]) -> float:
    """What one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _request(data: bytes, options: Options, stages: dict[str, list[float]]) -> float:
    marks: list[tuple[str, float]] = []
    started = time.perf_counter()
    remove_background(
        data, options, checkpoint=lambda stage: marks.append((stage, time.perf_counter()))
    )
    finished = time.perf_counter()
    ends = [at for _, at in marks[1:]] + [finished]
    for (stage, begin), end in zip(marks, ends, strict=True):
        stages[stage].append(end - begin)
    return finished - started


def _peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBIBYTE_OF_KIB


def _crowd(data: bytes, argument: str, repeats: int) -> dict[str, Any]:
    """In a child: `argument` threads, each sending `repeats` requests one after another."""
    clients = int(argument)
    session.warm()
    latencies: list[float] = []

    def client() -> None:
        latencies.extend(seconds(lambda: remove_background(data)) for _ in range(repeats))

    threads = [threading.Thread(target=client) for _ in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - started
    return {
        "clients": clients,
        "throughput": len(latencies) / elapsed,
        "median": statistics.median(latencies),
        "worst": max(latencies),
        "peak": _peak_mebibytes(),
    }


_CHILDREN = {"single": _single, "crowd": _crowd}


def _progress(row: dict[str, Any]) -> str:
    return f"{row['size']:g} MP {row['format']}: {row['total'] / row['bare']:.2f} x bare"


def _overview(rows: Sequence[dict[str, Any]]) -> str:
    head = ("MP", "format", "seconds", "bare network", "ratio", "peak MiB")
    return "Bytes to bytes:\n\n" + report.table(
        head,
        [
            (
                f"{row['size']:g}",
                row["format"],
                f"{row['total']:.2f}",
                f"{row['bare']:.2f}",
                f"{row['total'] / row['bare']:.2f}",
                f"{row['peak']:.0f}",
            )
            for row in rows
        ],
    )


def _stage_table(rows: Sequence[dict[str, Any]]) -> str:
    return "Stages, as shares of the bare network run:\n\n" + report.table(
        ("MP", "format", *STAGES),
        [
            (
                f"{row['size']:g}",
                row["format"],
                *(f"{row['stages'].get(stage, 0) / row['bare']:.2f}" for stage in STAGES),
            )
            for row in rows
        ],
    )


def _crowd_table(rows: Sequence[dict[str, Any]]) -> str:
    head = ("clients at once", "requests/s", "median s", "worst s", "peak MiB")
    return "Requests at once in one process (1 MP, PNG):\n\n" + report.table(
        head,
        [
            (
                str(row["clients"]),
                f"{row['throughput']:.2f}",
                f"{row['median']:.2f}",
                f"{row['worst']:.2f}",
                f"{row['peak']:.0f}",
            )
            for row in rows
        ],
    )


def _write(rows: Sequence[dict[str, Any]], text: str) -> None:
    series: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        series[row["format"]].append((row["size"], row["total"] / row["bare"]))
    title = "Time of one picture, bytes to bytes, in bare network runs"
    report.plot(report.DOCS / "benchmarks.svg", title, "ratio", series)
    report.write_section("engine", f"{report.machine()} {rows[0]['networks']}.\n\n{text}")


if __name__ == "__main__":
    main()
