"""The evidence of each pixel near scribbles for subject or background.

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
    "matte": 0.509,  # its logarithmic odds
    "matte around": 1.597,
    "colour": 0.141,  # like subject rather than like ground
    "colour around": 0.201,  # the same without fine texture
    "kept colour, at most": 0.375,
    "removed colour, at least": 0.201,
    "kept colour where missing": 0.988,
    "removed colour where extra": 1.214,
    "colour near keep": 0.648,
    "colour near remove": 0.199,
    "beside keep": 3.100,  # within some widths of the stroke
    "beside remove": -0.733,
    "beside keep that contradicts": 2.455,
    "beside remove that contradicts": -2.218,
    "reached by keep": 1.059,  # along ways that cross no edge
    "reached by remove": -0.356,
    "near keep that contradicts": -0.422,  # a stroke where the matte says otherwise
    "near remove that contradicts": 1.470,
    "near keep that agrees": -2.403,  # a stroke that confirms the matte
    "near remove that agrees": 1.966,
    "reached by keep that contradicts": -0.560,
    "reached by remove that contradicts": -6.298,
    "matte reached by keep": 0.406,
    "matte reached by remove": 0.375,
    "keep": -0.376,  # there is such a stroke at all
    "remove": 0.087,
    "keep contradicts": 1.823,  # how much, wherever the pixel lies
    "remove contradicts": -0.280,
    "always": -0.046,
}
ODDS_FROM = 0.02  # mattes nearer to 0 and 1 are as sure as this
AROUND, TEXTURE = 0.02, 0.012  # of the side
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
    def codes_around(self) -> likeness.Codes:
        """Of the colours without their finest texture."""
        blurred = cv2.GaussianBlur(self.lab, (0, 0), self.side * TEXTURE)
        return likeness.codes_of(np.asarray(blurred, np.float32))

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
    beside_contradicting: Floats  # the same, of those that contradict the matte
    near_agreeing: Floats  # falling with the distance, of those that agree with it
    reached: Floats  # falling with the way that edges leave open
    closely_reached: Floats
    contradicts: float  # how much the matte is wrong under them, 0..1

    @property
    def some(self) -> float:
        return float(self.mask.any())


def strokes(scene: Scene, mask: Mask, wrong: Floats) -> Strokes:
    """wrong: how much the matte contradicts such a stroke, float32 (h, w)."""
    if not mask.any():
        away, none = np.full(mask.shape, NOWHERE, np.float32), np.zeros(mask.shape, np.float32)
        return Strokes(mask, away, none, none, none, none, none, none, 0.0)
    distance = _sides(mask, scene.side)
    way = geodesic.distance(mask, scene.price)
    return Strokes(
        mask,
        distance,
        near=_near(distance),
        beside=_beside(mask),
        beside_contradicting=_beside(mask & (wrong > 0.5)),
        near_agreeing=_near(_sides(mask & (wrong <= 0.5), scene.side)),
        reached=np.exp(-3 * way),
        closely_reached=np.exp(-8 * way),
        contradicts=float(wrong[mask].mean()),
    )


def _near(distance: Floats) -> Floats:
    return np.asarray(np.exp(-6 * distance), np.float32)


def _sides(mask: Mask, side: int) -> Floats:
    """The distance from the mask in sides of the picture."""
    if not mask.any():
        return np.full(mask.shape, NOWHERE, np.float32)
    return marks.distance(mask) / np.float32(side)


def _beside(mask: Mask) -> Floats:
    """1 on a stroke, falling with the distance by the width of the stroke."""
    if not mask.any():
        return np.zeros(mask.shape, np.float32)
    return np.asarray(
        np.exp(-marks.distance(mask) / (1.5 * marks.half_width(mask) + 2)), np.float32
    )


def speaks(scene: Scene, keep: Strokes, remove: Strokes) -> Floats:
    """The logarithm of how much likelier subject is than ground, float32 (h, w)."""
    found = all_of(scene, keep, remove)
    total = np.zeros(scene.matte.shape, np.float32)
    for name, weight in WEIGHTS.items():
        total += np.float32(weight) * found[name]
    return total


def all_of(scene: Scene, keep: Strokes, remove: Strokes) -> dict[str, Floats | float]:
    """Each piece of evidence by its name, float32 (h, w) or the same everywhere."""
    return {
        **_of_matte(scene, keep, remove),
        **_of_colours(scene, keep, remove),
        **_of_strokes(keep, "keep"),
        **_of_strokes(remove, "remove"),
        "always": 1.0,
    }


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
    colour = _colour(scene, scene.codes)
    kept, removed = _like_strokes(scene)
    return {
        "colour": colour,
        "colour around": _colour(scene, scene.codes_around),
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
        f"beside {name} that contradicts": of.beside_contradicting,
        f"near {name} that agrees": of.near_agreeing,
        f"{name} contradicts": of.contradicts,
        f"reached by {name}": of.reached,
        f"near {name} that contradicts": of.near * of.contradicts,
        f"reached by {name} that contradicts": of.closely_reached * of.contradicts,
        name: of.some,
    }


def _odds(matte: Floats) -> Floats:
    sure = np.clip(matte, ODDS_FROM, 1 - ODDS_FROM)
    return np.asarray(np.log(sure / (1 - sure)), np.float32)


def _colour(scene: Scene, codes: likeness.Codes) -> Floats:
    """More like the subject than like the ground, the scribbles counting for more."""
    return likeness.ratio(
        codes, _weighted(scene.believed, scene.keep), _weighted(~scene.believed, scene.remove)
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
