"""What each pixel near scribbles speaks for: subject or ground.

A logistic regression over what colours, closeness and the network's matte say. Its weights were
fitted to simulated scribbles (docs/decisions/0011-scribbles.md).
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from ..arrays import Bytes, Floats, Mask
from . import geodesic, likeness, marks

# name of the evidence: its weight for "subject". The matte speaks, then colours, then closeness.
WEIGHTS = {
    "matte": 0.400,  # its logarithmic odds
    "matte around": 1.098,
    "colour": 0.171,  # like subject rather than like ground
    "kept colour, at most": 0.419,
    "removed colour, at least": 0.141,
    "kept colour where missing": 1.085,
    "removed colour where extra": 1.396,
    "colour near keep": 0.856,
    "colour near remove": 0.354,
    "beside keep": 4.935,  # within some widths of the stroke
    "beside remove": -1.465,
    "reached by keep": -2.299,  # along ways that cross no edge
    "reached by remove": -0.181,
    "near keep that contradicts": 1.968,  # a stroke where the matte says otherwise
    "near remove that contradicts": 0.461,
    "reached by keep that contradicts": 0.654,
    "reached by remove that contradicts": -7.474,
    "matte reached by keep": 0.524,
    "matte reached by remove": 0.401,
    "keep": 0.887,  # there is such a stroke at all
    "remove": -0.492,
    "always": 1.488,
}
ODDS_FROM = 0.02  # mattes nearer to 0 and 1 are as sure as this
AROUND = 0.02  # of the side
STROKE_SHARE = 0.3  # of the colours' weight that scribbles have among subject and ground
NOWHERE = 2.0  # sides away: the distance from strokes that are not there


@dataclass(frozen=True)
class Scene:
    """A small picture with its matte and scribbles: rgb uint8 (h, w, 3), matte float32 (h, w),
    keep and remove bool (h, w)."""

    rgb: Bytes
    matte: Floats
    keep: Mask
    remove: Mask

    @property
    def side(self) -> int:
        return int(max(self.matte.shape))

    @cached_property
    def lab(self) -> Floats:
        return likeness.lab_of(self.rgb)

    @cached_property
    def codes(self) -> likeness.Codes:
        return likeness.codes_of(self.lab)

    @cached_property
    def price(self) -> Floats:
        return geodesic.cost(self.lab, self.matte)

    @cached_property
    def believed(self) -> Mask:
        """The subject as the matte and the scribbles have it."""
        return ((self.matte > 0.5) | self.keep) & ~self.remove


@dataclass(frozen=True)
class Strokes:
    """What the strokes of one kind tell of each pixel, all float32 (h, w) but `contradicts`."""

    mask: Mask
    distance: Floats  # in sides
    near: Floats  # 1 on a stroke, falling with the distance
    beside: Floats  # the same, by the width of the stroke
    reached: Floats  # the same, by the way that edges leave open
    closely_reached: Floats
    contradicts: float  # how much the matte is wrong under them, 0..1

    @property
    def some(self) -> float:
        return float(self.mask.any())


def strokes(scene: Scene, mask: Mask, wrong: Floats) -> Strokes:
    """wrong: how much the matte contradicts such a stroke, float32 (h, w)."""
    if not mask.any():
        away, none = np.full(mask.shape, NOWHERE, np.float32), np.zeros(mask.shape, np.float32)
        return Strokes(mask, away, none, none, none, none, 0.0)
    pixels = marks.distance(mask)
    distance = pixels / scene.side
    beside = np.exp(-pixels / (1.5 * marks.half_width(mask) + 2))
    way = geodesic.distance(mask, scene.price)
    contradicts = float(wrong[mask].mean())
    return Strokes(
        mask, distance, np.exp(-6 * distance), beside, np.exp(-3 * way), np.exp(-8 * way),
        contradicts,
    )  # fmt: skip


def speaks(scene: Scene, keep: Strokes, remove: Strokes) -> Floats:
    """The logarithm of how much likelier subject is than ground, float32 (h, w)."""
    evidence = {
        **_of_matte(scene, keep, remove),
        **_of_colours(scene, keep, remove),
        **_of_strokes(keep, "keep"),
        **_of_strokes(remove, "remove"),
        "always": 1.0,
    }
    total = np.zeros(scene.matte.shape, np.float32)
    for name, weight in WEIGHTS.items():
        total += np.float32(weight) * evidence[name]
    return total


def _of_matte(scene: Scene, keep: Strokes, remove: Strokes) -> dict[str, Floats]:
    odds = _odds(scene.matte)
    around = cv2.GaussianBlur(scene.matte, (0, 0), scene.side * AROUND)
    return {
        "matte": odds,
        "matte around": np.asarray(around * 2 - 1, np.float32),
        "matte reached by keep": odds * keep.reached,
        "matte reached by remove": odds * remove.reached,
    }


def _of_colours(scene: Scene, keep: Strokes, remove: Strokes) -> dict[str, Floats]:
    colour = _colour(scene)
    kept, removed = _like_strokes(scene)
    return {
        "colour": colour,
        "kept colour, at most": np.minimum(kept, colour),
        "removed colour, at least": np.maximum(removed, colour),
        "kept colour where missing": np.tanh(kept) * keep.reached * (scene.matte < 0.5),
        "removed colour where extra": np.tanh(removed) * remove.reached * (scene.matte > 0.5),
        "colour near keep": colour * keep.near,
        "colour near remove": colour * remove.near,
    }


def _of_strokes(of: Strokes, name: str) -> dict[str, Floats | float]:
    return {
        f"beside {name}": of.beside,
        f"reached by {name}": of.reached,
        f"near {name} that contradicts": of.near * of.contradicts,
        f"reached by {name} that contradicts": of.closely_reached * of.contradicts,
        name: of.some,
    }


def _odds(matte: Floats) -> Floats:
    sure = np.clip(matte, ODDS_FROM, 1 - ODDS_FROM)
    return np.asarray(np.log(sure / (1 - sure)), np.float32)


def _colour(scene: Scene) -> Floats:
    """More like the subject than like the ground, the scribbles counting for more."""
    return likeness.ratio(
        scene.codes, _weighted(scene.believed, scene.keep), _weighted(~scene.believed, scene.remove)
    )


def _weighted(believed: Mask, stroke: Mask) -> Floats:
    total = max(int(believed.sum()), max(believed.shape))
    return np.asarray(believed + stroke * (STROKE_SHARE * total / max(int(stroke.sum()), 1)))


def _like_strokes(scene: Scene) -> tuple[Floats, Floats]:
    """More like what is kept than like the ground; more like the subject than what is removed."""
    keep, remove, none = scene.keep, scene.remove, np.zeros(scene.matte.shape, np.float32)
    ground, subject = ~scene.believed & ~keep, scene.believed & ~remove
    kept = likeness.ratio(scene.codes, keep, ground) if keep.any() else none
    removed = likeness.ratio(scene.codes, subject, remove) if remove.any() else none
    return kept, removed
