"""The engine's modes against each other on pictures of known alpha, by category.

Each SET is a folder with manifest.csv (columns id, image, gt, category; paths relative to the
folder). `bare` is the main network's output as it is, brought to full size. A hole is background
that the subject encloses; its figure is the mean alpha there, over the pictures that have one.
Intervals are paired bootstraps over pictures, 95 %.
"""

import csv
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from removal.engine.arrays import Bytes, Floats
from removal.engine.matting import letterbox, predict, refine
from removal.engine.networks.opening import Network
from removal.engine.networks.session import Networks
from removal.engine.options import MAX_PIXELS
from removal.engine.reading import decode

from . import metrics, report
from .metrics import Matte

MODES = ("bare", "fast", "best")
AGAINST = "fast"
MEASURES: dict[str, Callable[[Matte, Matte], float]] = {
    "MAE": metrics.mae,
    "SADt": metrics.sadt,
    "IoU": metrics.iou,
    "maxF": metrics.max_f,
    "hole": metrics.hole_alpha,
}
RESAMPLES = 4000
Column = NDArray[np.float64]
Scores = dict[str, dict[str, float]]  # by mode, by measure


@dataclass(frozen=True, slots=True)
class Known:
    """A picture of known alpha."""

    name: str
    picture: Path
    truth: Path
    category: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What the modes made of a picture."""

    category: str
    scores: Scores


def read_set(folder: Path) -> list[Known]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        return [
            Known(row["id"], folder / row["image"], folder / row["gt"], row["category"])
            for row in csv.DictReader(stream)
        ]


def judge(known: Known, networks: Networks, truth: Matte) -> Judged:
    """Mattes are compared at the size of `truth`."""
    rgb = decode.decode(decode.opened(known.picture.read_bytes()), MAX_PIXELS).rgb
    scores = {}
    for mode, alpha in mattes(rgb, networks):
        found = cv2.resize(alpha, truth.shape[::-1], interpolation=cv2.INTER_AREA)
        matte = np.asarray(found / np.float32(255), np.float32)
        scores[mode] = {name: measure(matte, truth) for name, measure in MEASURES.items()}
    return Judged(known.category, scores)


def mattes(rgb: Bytes, networks: Networks) -> Iterator[tuple[str, Bytes]]:
    """Each mode's alpha, uint8 (h, w), of a photo (h, w, 3); the main network runs once."""
    main = _running_once(networks.main)
    frame, window = letterbox.framed(rgb, main.side)
    ready = replace(networks, main=main)
    found = {
        "bare": main.matte(frame),
        "fast": predict.predict(frame, replace(ready, second=None)),
        "best": predict.predict(frame, ready),
    }
    for mode in MODES:
        yield mode, refine.upsample_alpha(rgb, found[mode][window], frame[window])


def _running_once(network: Network) -> Network:
    outputs: list[Floats] = []

    def run(tensor: Floats) -> Floats:
        if not outputs:
            outputs.append(network.run(tensor))
        return outputs[0]

    return replace(network, run=run)


def tables(judged: Sequence[Judged]) -> str:
    """The means of a set by category, then each mode's distance from `fast`."""
    groups = {name: [j for j in judged if j.category == name] for name in _categories(judged)}
    groups["all"] = list(judged)
    means = [
        (name, str(len(members)), mode, *(_shown(_column(members, mode, m)) for m in MEASURES))
        for name, members in groups.items()
        for mode in MODES
    ]
    gains = [
        (name, mode, *(_interval(_gains(members, mode, m)) for m in MEASURES))
        for name, members in groups.items()
        for mode in MODES
        if mode != AGAINST
    ]
    head = ("category", "n", "mode", *MEASURES)
    against = ("category", f"mode - {AGAINST}", *MEASURES)
    return f"{report.table(head, means)}\n\n{report.table(against, gains)}"


def _categories(judged: Sequence[Judged]) -> list[str]:
    return sorted({picture.category for picture in judged})


def _column(judged: Sequence[Judged], mode: str, measure: str) -> Column:
    return np.array([picture.scores[mode][measure] for picture in judged])


def _gains(judged: Sequence[Judged], mode: str, measure: str) -> Column:
    return _column(judged, mode, measure) - _column(judged, AGAINST, measure)


def bootstrap(differences: Column) -> tuple[float, float]:
    """The 95 % interval of the mean; NaN for fewer than three known differences."""
    known = differences[~np.isnan(differences)]
    if len(known) < 3:
        return math.nan, math.nan
    drawn = np.random.default_rng(0).integers(0, len(known), (RESAMPLES, len(known)))
    low, high = np.percentile(known[drawn].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)


def _shown(values: Column) -> str:
    known = values[~np.isnan(values)]
    return f"{known.mean():.4f}" if len(known) else "-"


def _interval(differences: Column) -> str:
    low, high = bootstrap(differences)
    return "-" if math.isnan(low) else f"{np.nanmean(differences):+.4f} ({low:+.4f}..{high:+.4f})"
