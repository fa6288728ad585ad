"""How good the mattes and the colours are.

    python -m removal.engine PHOTOS FOUND --output-format mask
    python -m benchmarks.quality score FOUND TRUTH      masks against a folder of true ones
    python -m benchmarks.quality modes SET...           bare, fast and best on sets of known alpha
    python -m benchmarks.quality colour                 colours at soft edges, on made composites

`score` pairs files by name; a missing one or one of another size counts as empty, and the exit
status is then 1. `modes` takes folders with a manifest.csv, see benchmarks/modes.py. `--write NAME`
puts the table into the section NAME of docs/benchmarks.md.
"""

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from removal.engine.networks import session

from . import colours, metrics, modes, report
from .metrics import Matte

METRICS: dict[str, Callable[[Matte, Matte], float]] = {
    "MAE": metrics.mae,
    "SADt": metrics.sadt,
    "Grad": metrics.grad,
    "IoU": metrics.iou,
    "maxF": metrics.max_f,
}
SLOW = {"Grad", "maxF"}  # judged on a picture of at most --max-side
SUFFIXES = {".png", ".tif", ".tiff", ".webp"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    jobs = parser.add_subparsers(required=True)
    score = jobs.add_parser("score", help="masks against true ones")
    score.add_argument("found", type=Path)
    score.add_argument("truth", type=Path)
    score.add_argument("--max-side", type=int, default=2048, help="for Grad and maxF")
    score.add_argument("--per-picture", action="store_true")
    score.set_defaults(job=_score)
    colour = jobs.add_parser("colour", help="colours at soft edges")
    colour.set_defaults(job=_colour)
    compared = jobs.add_parser("modes", help="bare, fast and best on sets of known alpha")
    compared.add_argument("sets", type=Path, nargs="+", metavar="SET")
    compared.add_argument("--max-side", type=int, default=640)
    compared.set_defaults(job=_modes)
    for job in (score, colour, compared):
        job.add_argument("--write", metavar="NAME", help="a section of docs/benchmarks.md")
    args = parser.parse_args()
    text, status = args.job(args)
    print(text)
    if args.write:
        report.write_section(args.write, text)
    return int(status)


def _modes(args: argparse.Namespace) -> tuple[str, int]:
    networks = session.load(session.Settings.from_environment())
    parts = [f"{networks.info}; {report.machine()}"]
    for folder in args.sets:
        judged = [
            modes.judge(known, networks, _at_most(load_alpha(known.truth), args.max_side))
            for known in tqdm(modes.read_set(folder), desc=folder.name, unit="picture")
        ]
        parts.append(f"{folder.name}, {len(judged)} pictures:\n\n{modes.tables(judged)}")
    return "\n\n".join(parts), 0


def _score(args: argparse.Namespace) -> tuple[str, int]:
    rows: list[tuple[str, dict[str, float]]] = []
    missing = []
    for path in sorted(p for p in args.truth.iterdir() if p.suffix.lower() in SUFFIXES):
        truth = load_alpha(path)
        found = _found(args.found / f"{path.stem}.png", truth.shape)
        if found is None:
            missing.append(path.stem)
            found = np.zeros_like(truth)
        rows.append((path.stem, score(found, truth, args.max_side)))
    if not rows:
        raise SystemExit(f"{args.truth} holds no masks.")
    mean = {name: _mean([values[name] for _, values in rows]) for name in METRICS}
    shown = [*(rows if args.per_picture else []), (f"mean of {len(rows)}", mean)]
    text = report.table(
        ("picture", *METRICS),
        [(name, *(_figure(values[metric]) for metric in METRICS)) for name, values in shown],
    )
    if missing:
        print(f"Missing or of another size: {' '.join(missing)}", file=sys.stderr)
    return text, 1 if missing else 0


def score(found: Matte, truth: Matte, max_side: int) -> dict[str, float]:
    small = _at_most(found, max_side), _at_most(truth, max_side)
    return {
        name: metric(*small) if name in SLOW else metric(found, truth)
        for name, metric in METRICS.items()
    }


def load_alpha(path: Path) -> Matte:
    """A mask's grey levels, or a cut-out's alpha, as float32 in 0..1."""
    with Image.open(path) as image:
        if "A" in image.getbands() or "transparency" in image.info:
            levels = np.asarray(image.convert("RGBA").getchannel("A"))
        elif image.mode.startswith("I"):
            return (np.asarray(image) / np.float32(65535)).astype(np.float32)
        else:
            levels = np.asarray(image.convert("L"))
    return np.asarray(levels / np.float32(255), np.float32)


def _found(path: Path, shape: tuple[int, ...]) -> Matte | None:
    found = load_alpha(path) if path.exists() else None
    return found if found is not None and found.shape == shape else None


def _at_most(matte: Matte, side: int) -> Matte:
    scale = side / max(matte.shape)
    if scale >= 1:
        return matte
    size = max(1, round(matte.shape[1] * scale)), max(1, round(matte.shape[0] * scale))
    return np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32)


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _colour(args: argparse.Namespace) -> tuple[str, int]:
    groups: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for name, made in colours.composites():
        groups[name].append(colours.errors(made))
    groups["all"] = [pair for pairs in groups.values() for pair in pairs]
    head = ("subject", "photo's pixels", "estimated", "ratio")
    return report.table(head, [(name, *_shown(pairs)) for name, pairs in groups.items()]), 0


def _shown(pairs: list[tuple[float, float]]) -> tuple[str, str, str]:
    copied, estimated = (_mean(list(column)) for column in zip(*pairs, strict=True))
    return f"{copied:.2f}", f"{estimated:.2f}", f"{estimated / copied:.2f}"


if __name__ == "__main__":
    sys.exit(main())
