"""BiRefNet-lite as published and with its deformable convolutions rewritten, beside ISNet.

    make prove-birefnet SOURCE=/path/to/BiRefNet        or a published file of it, .onnx

SOURCE is a checkout of https://github.com/ZhengPeng7/BiRefNet: its architecture is exported with
random weights, in an environment of its own (var/bench-birefnet, 6 GB). Or it is a file that was
exported before. Each network runs in processes of its own, in turn; times are processor seconds of
one run, as ratios to ISNet in fp32. The exit status is 0 where every convolution was rewritten and
the output stayed the same.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import onnx

from removal.engine import threads
from removal.engine.networks import deform, weights
from removal.engine.networks.runtime import ort

from . import environment, report

HOME = Path(__file__).parent.parent
ENVIRONMENT = HOME / "var" / "bench-birefnet"
REQUIREMENTS = Path(__file__).parent / "birefnet-requirements.txt"
UNIT = "isnet-fp32"
PUBLISHED, REWRITTEN = "birefnet-lite, as published", "birefnet-lite, rewritten"
CONVOLUTIONS = 20
SAME = 1e-3  # of the logits' standard deviation


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="a checkout of BiRefNet, or an ONNX file of it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the results into the docs")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)  # a job and its file
    args = parser.parse_args()
    if args.child:
        print(json.dumps(_CHILDREN[args.child[0]](args.source, Path(args.child[1]))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        published = args.source
        if published.is_dir():
            published = Path(folder) / "published.onnx"
            _export(args.source.resolve(), published)
        return _measure(Path(folder), published, args)


def _export(source: Path, published: Path) -> None:
    environment.install(ENVIRONMENT, REQUIREMENTS, "Installing torch (minutes) ...")
    script = [ENVIRONMENT / "bin" / "python", Path(__file__).with_name("birefnet_export.py")]
    subprocess.run([*script, source, published], check=True)


def _measure(folder: Path, published: Path, args: argparse.Namespace) -> int:
    native = folder / "native.onnx"
    build = _child("rewrite", published, native)
    files = {
        "isnet-int8": weights.path_of("isnet-int8"),
        UNIT: weights.path_of(UNIT),
        PUBLISHED: published,
        REWRITTEN: native,
    }
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in files}
    for _ in range(args.rounds):
        for name, path in files.items():
            samples[name].append(_child("run", path, folder / f"{path.stem}.npy"))
    wanted, given = (np.load(folder / f"{path.stem}.npy") for path in (published, native))
    difference = float(np.abs(wanted - given).max() / wanted.std())
    verdicts, good = report.verdicts([
        (f"rewritten {build['rewritten']:.0f}, left {build['left']:.0f}",
         build["rewritten"] == CONVOLUTIONS and not build["left"], f"{CONVOLUTIONS}, none"),
        (f"greatest difference {difference:.1e} of the deviation", difference < SAME, f"{SAME}"),
    ])  # fmt: skip
    text = f"{_table(samples)}\n\n{_of_build(build)}\n\n{verdicts}"
    print(report.machine(), text, sep="\n\n")
    if args.write:
        report.write_section("birefnet", f"{report.machine()}\n\n{text}")
    return 0 if good else 1


def _child(job: str, source: Path, output: Path) -> dict[str, float]:
    """In a process of its own, so that its peak memory is its own."""
    command = [sys.executable, "-m", "benchmarks.birefnet", source, "--child", job, output]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def _rewrite(source: Path, output: Path) -> dict[str, float]:
    started = _processor_seconds()
    model = deform.rewrite(onnx.load(source))
    onnx.save(model, output)
    kinds = Counter(node.op_type for node in model.graph.node)
    return {
        "seconds": _processor_seconds() - started,
        "peak": _peak_mebibytes(),
        "rewritten": kinds["DeformConv"],
        "left": kinds["GatherND"] / 4,
        "bytes": output.stat().st_size / source.stat().st_size,
    }


def _run(source: Path, output: Path) -> dict[str, float]:
    """The second of two runs; its output is kept."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads.count()
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    name, shape = session.get_inputs()[0].name, session.get_inputs()[0].shape
    tensor = np.random.default_rng(1).standard_normal(shape, np.float32)
    for _ in range(2):
        started, clock = _processor_seconds(), time.perf_counter()
        (result,) = session.run(None, {name: tensor})
        seconds, wall = _processor_seconds() - started, time.perf_counter() - clock
    np.save(output, result)
    return {"seconds": seconds, "wall": wall, "peak": _peak_mebibytes()}


_CHILDREN = {"rewrite": _rewrite, "run": _run}


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _table(samples: dict[str, list[dict[str, float]]]) -> str:
    def median(name: str, what: str) -> float:
        return statistics.median(sample[what] for sample in samples[name])

    rows = [
        (
            name,
            f"{median(name, 'seconds') / median(UNIT, 'seconds'):.2f}",
            f"{median(name, 'wall') / median(UNIT, 'wall'):.2f}",
            f"{median(name, 'peak'):.0f}",
        )
        for name in samples
    ]
    return report.table(("network", "processor time", "wall time", "peak MiB"), rows)


def _of_build(build: dict[str, float]) -> str:
    return (
        f"Rewriting took {build['seconds']:.0f} s of processor and {build['peak']:.0f} MiB; the "
        f"file is {build['bytes']:.2f} of the published one's size."
    )


if __name__ == "__main__":
    sys.exit(main())
