"""BiRefNet-lite as published and with its deformable convolutions rewritten, beside ISNet.

    make prove-birefnet SOURCE=/path/to/BiRefNet        or a published file of it, .onnx

SOURCE is a checkout of https://github.com/ZhengPeng7/BiRefNet: its architecture is exported with
random weights, in an environment of its own (var/bench-birefnet, 6 GB). Or it is a file that was
exported before. `manage.py fetch_models --from` builds what is run from it. Each network runs in
processes of its own, in turn; times are medians, as ratios to ISNet in fp32. The exit status is 0
where every convolution was rewritten and the output stayed the same.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import django
import numpy as np
import onnx
from django.core.management import call_command

from removal.engine import remove_background, threads
from removal.engine.arrays import Floats
from removal.engine.networks import catalog, deform, ram, session, weights
from removal.engine.networks.runtime import ort

from . import environment, report
from .photos import photo

HOME = Path(__file__).parent.parent
ENVIRONMENT = HOME / "var" / "bench-birefnet"
REQUIREMENTS = Path(__file__).parent / "birefnet-requirements.txt"
UNIT = "isnet-fp32"
PUBLISHED, REWRITTEN = "birefnet-lite, as published", "birefnet-lite, rewritten"
CONVOLUTIONS = 20
SAME = 1e-3  # of the logits' standard deviation
MODEL = "birefnet-lite"
SIZES = (1, 25)  # megapixels
MEASURED = ("seconds", "wall", "peak")
HARD = 20


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
    pictures = _of_pictures(folder, published, wanted, args.rounds)
    text = (
        f"Bare networks:\n\n{_table(samples, '')}\n\n{_of_build(build)}\n\n"
        "Whole pictures, JPEG to PNG, after `fetch_models birefnet-lite --from`:\n\n"
        f"{pictures}\n\n{verdicts}"
    )
    print(report.machine(), text, sep="\n\n")
    if args.write:
        report.write_section("birefnet", f"{report.machine()}\n\n{text}")
    return 0 if good else 1


def _child(job: str, source: Path, output: Path, **settings: str) -> dict[str, float]:
    """In a process of its own, so that its peak memory is its own."""
    command = [sys.executable, "-m", "benchmarks.birefnet", source, "--child", job, output]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | settings
    )
    return dict(json.loads(done.stdout))


def _of_pictures(folder: Path, published: Path, logits: Floats, rounds: int) -> str:
    """Whole pictures, bytes to bytes, with BiRefNet in ISNet's place."""
    brought, models = folder / "brought.onnx", folder / "models"
    onnx.save(_with_edges(onnx.load(published), logits), brought)
    _child("bring", brought, models)
    isnet = {"REMOVAL_MODEL": "isnet", "REMOVAL_QUALITY": "fast"}
    networks = {
        "isnet-int8": isnet | {"REMOVAL_BUILD": "int8"},
        UNIT: isnet | {"REMOVAL_BUILD": "fp32"},
        MODEL: {"REMOVAL_MODEL": MODEL, "REMOVAL_MODELS_DIR": str(models)},
    }
    for size in SIZES:
        (folder / f"{size}.jpg").write_bytes(photo(size))
    samples: dict[str, dict[str, list[dict[str, float]]]] = {
        f"{size} MP, ": {name: [] for name in networks} for size in SIZES
    }
    for _ in range(rounds):
        for name, settings in networks.items():
            found = _child("cut", folder, folder / "cut.png", **settings)
            for size, of_size in zip(SIZES, samples.values(), strict=True):
                of_size[name].append({what: found[f"{what} {size}"] for what in MEASURED})
    return "\n\n".join(_table(of_size, size) for size, of_size in samples.items())


def _with_edges(model: onnx.ModelProto, logits: Floats) -> onnx.ModelProto:
    """Random weights give a grey all over; spread, its logits have edges, as much as a matte's."""
    graph, name = model.graph, model.graph.output[0].name
    for node in graph.node:
        for index, output in enumerate(node.output):
            if output == name:
                node.output[index] = "grey"
    for constant, value in (("middle", np.median(logits)), ("steepness", HARD / logits.std())):
        graph.initializer.append(onnx.numpy_helper.from_array(np.float32(value), constant))
    graph.node.extend(
        [
            onnx.helper.make_node("Sub", ["grey", "middle"], ["centred"]),
            onnx.helper.make_node("Mul", ["centred", "steepness"], [name]),
        ]
    )
    return model


def _bring(source: Path, models: Path) -> dict[str, float]:
    """As an operator does; only the size and hash that the catalogue has are this file's."""
    content = source.read_bytes()
    catalog.MODELS[MODEL] = dataclasses.replace(
        catalog.MODELS[MODEL],
        source=catalog.Release((), len(content)),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    os.environ |= {"DJANGO_SETTINGS_MODULE": "pixian_site.settings", "DEBUG": "true"}
    os.environ["REMOVAL_MODELS_DIR"] = str(models)
    django.setup()
    call_command("fetch_models", MODEL, file=source, accept_licence=[MODEL], stdout=sys.stderr)
    return {}


def _cut(folder: Path, output: Path) -> dict[str, float]:
    """One picture of each size, once the network is warm."""
    session.warm()
    found = {}
    for size in SIZES:
        data = (folder / f"{size}.jpg").read_bytes()
        ram.forget_peak()
        started, clock = _processor_seconds(), time.perf_counter()
        output.write_bytes(remove_background(data).content)
        found[f"seconds {size}"] = _processor_seconds() - started
        found[f"wall {size}"] = time.perf_counter() - clock
        found[f"peak {size}"] = ram.own("VmHWM")
    return found


def _rewrite(source: Path, output: Path) -> dict[str, float]:
    started = _processor_seconds()
    model = deform.rewrite(onnx.load(source))
    onnx.save(model, output)
    kinds = Counter(node.op_type for node in model.graph.node)
    return {
        "seconds": _processor_seconds() - started,
        "peak": ram.own("VmHWM"),
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
    loaded = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    name, shape = loaded.get_inputs()[0].name, loaded.get_inputs()[0].shape
    tensor = np.random.default_rng(1).standard_normal(shape, np.float32)
    for _ in range(2):
        started, clock = _processor_seconds(), time.perf_counter()
        (result,) = loaded.run(None, {name: tensor})
        seconds, wall = _processor_seconds() - started, time.perf_counter() - clock
    np.save(output, result)
    return {"seconds": seconds, "wall": wall, "peak": ram.own("VmHWM")}


_CHILDREN = {"rewrite": _rewrite, "run": _run, "bring": _bring, "cut": _cut}


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _table(samples: dict[str, list[dict[str, float]]], size: str) -> str:
    def median(name: str, what: str) -> float:
        return statistics.median(sample[what] for sample in samples[name])

    rows = [
        (
            size + name,
            f"{median(name, 'seconds') / median(UNIT, 'seconds'):.2f}",
            f"{median(name, 'wall') / median(UNIT, 'wall'):.2f}",
            f"{median(name, 'peak') / median(UNIT, 'peak'):.2f}",
            f"{median(name, 'peak'):.0f}",
        )
        for name in samples
    ]
    header = ("network", "processor time", "wall time", "peak memory", "peak MiB")
    return report.table(header, rows)


def _of_build(build: dict[str, float]) -> str:
    return (
        f"Rewriting took {build['seconds']:.0f} s of processor and {build['peak']:.0f} MiB; the "
        f"file is {build['bytes']:.2f} of the published one's size."
    )


if __name__ == "__main__":
    sys.exit(main())
