"""A person's scribbles mend a matte: "keep this", "remove that".

Colours, edges and closeness to the scribbles decide against the network's matte as the prior, on a
small grid near the scribbles; then the new border is moved onto the photo's own edges. Reasons and
figures: docs/decisions/0011-scribbles.md.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ..arrays import Bytes, Floats, Mask
from . import contour, evidence, graphcut, likeness, marks, refine
from .evidence import Scene, Strokes

SIDE = 256  # of the small grid
REACH = 0.24  # of the side: what is farther from every scribble stays as it is
TRUST = 0.4  # in the matte, beside what it says as evidence
SMOOTHNESS = 5.0
SOFT = 1.0  # pixels of the small grid: the width of a border before it is refined
HAZE = 0.02  # less of a matte counts as none, more of the rest as whole
GROWN = 5  # pixels of the small grid round what changes: its border's width

# Where a keep scribble lies on what the matte did not see at all, and it sees next to nothing near
# by, it is no prior: the subject's colours are learnt as it grows.
BLIND_FROM = 0.05  # of the distrust, below which the matte is a prior like any other
SEES = 0.15  # the share of the reach at which a matte is trusted
ROUNDS = 3
BLIND_SMOOTHNESS = 20.0
BLIND_REACHED, BLIND_LEVEL = 2.0, 0.45  # the weight of a reached pixel, and what counts as reached
OUTSIDE, FAR_OUTSIDE, OUTSIDE_FROM = 0.15, 1.0, 0.15  # weights of the ground near and far from keep
KEPT_SHARE = 0.3  # of the subject's colours that the scribbles have
# There colours alone say where the border is, so they do on a finer grid, too.
FINE_SIDE = 512
FINE_GROWN = 11  # pixels of the small grid
FINE_SMOOTHNESS = 4.0
FINE_PRIOR = 0.5  # the weight of what the small grid says
FINE_NEAR = 0.12  # of the side: colours are compared so far from what changes


@dataclass(frozen=True)
class _Field:
    """The small grid: what is there, the strokes, and where nothing may change."""

    scene: Scene
    keep: Strokes
    remove: Strokes
    far: Mask


@dataclass(frozen=True)
class _Decided:
    """Which pixels of the small grid are subject, and what each says for it, float32 (h, w)."""

    subject: Mask
    said: Floats
    blind: bool  # the matte was no prior


def mend(rgb: Bytes, matte: Floats, keep: Mask, remove: Mask) -> Floats:
    """The matte after all scribbles so far.

    rgb: uint8 (h, w, 3). matte: float32 (h, w), 0..1, before any scribble. keep, remove: bool
    (h, w). Returns float32 (h, w): the matte itself where there is no scribble, and its very values
    farther than a quarter of the longer side from all of them. The same arrays give the same.

    Raises ValueError where a pixel is to be kept and removed, or shapes differ.
    """
    _check(rgb, matte, keep, remove)
    if not (keep.any() or remove.any()):
        return matte
    field = _field(rgb, matte, keep, remove)
    return _laid(rgb, matte, (keep, remove), field, _decided(field))


def _check(rgb: Bytes, matte: Floats, keep: Mask, remove: Mask) -> None:
    if not rgb.shape[:2] == matte.shape == keep.shape == remove.shape:
        raise ValueError("The hints are not of the picture's size.")
    if (keep & remove).any():
        raise ValueError("A pixel is marked both to be kept and to be removed.")


def _field(rgb: Bytes, matte: Floats, keep: Mask, remove: Mask) -> _Field:
    size = marks.size_of(matte.shape, SIDE)
    kept = marks.shrunk(keep, size)
    removed = marks.shrunk(remove, size) & ~kept
    small = np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32)
    colours = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    scene = Scene(colours, small, kept, removed)
    far = marks.distance(kept | removed) > REACH * scene.side
    return _Field(
        scene,
        evidence.strokes(scene, kept, 1 - small),
        evidence.strokes(scene, removed, small),
        far,
    )


def _decided(field: _Field) -> _Decided:
    said = evidence.speaks(field.scene, field.keep, field.remove)
    seen = field.scene.matte > 0.5
    distrust = _distrust(field)
    said += np.where(seen, TRUST, -TRUST) * (1 - distrust)
    if distrust <= BLIND_FROM:
        return _Decided(_cut(field, said, SMOOTHNESS), said, blind=False)
    said = (1 - distrust) * said + distrust * _grown(field)
    smoothness = SMOOTHNESS * (1 - distrust) + BLIND_SMOOTHNESS * distrust
    return _Decided(_cut(field, said, smoothness), said, blind=True)


def _cut(field: _Field, said: Floats, smoothness: float) -> Mask:
    seen = field.scene.matte > 0.5
    subject = field.keep.mask | (field.far & seen)
    ground = field.remove.mask | (field.far & ~seen)
    return graphcut.cut(field.scene.rgb, said, subject, ground, smoothness)


def _distrust(field: _Field) -> float:
    """How little the matte is worth as a prior, 0..1."""
    if not field.keep.mask.any():
        return 0.0
    share = float((field.scene.matte[~field.far] > 0.5).mean())
    return field.keep.contradicts * float(np.exp(-((share / SEES) ** 2)))


def _grown(field: _Field) -> Floats:
    """What colours say when they are learnt from the subject as it grows from the scribbles
    (iterated as in Rother, Kolmogorov and Blake, "GrabCut", SIGGRAPH 2004). float32 (h, w)."""
    reached = BLIND_REACHED * (field.keep.reached - BLIND_LEVEL)
    ground = OUTSIDE + FAR_OUTSIDE * (field.keep.distance > OUTSIDE_FROM)
    said = reached
    subject = field.keep.mask | (field.scene.matte > 0.5)
    kept = field.keep.mask / max(1, int(field.keep.mask.sum()))
    for _ in range(ROUNDS):
        these = subject + kept * (KEPT_SHARE * int(subject.sum()))
        those = ~subject * ground + field.remove.mask
        said = likeness.ratio(field.scene.codes, these, those) + reached
        subject = _cut(field, said, BLIND_SMOOTHNESS)
    return said


def _laid(
    rgb: Bytes, matte: Floats, marked: tuple[Mask, Mask], field: _Field, decided: _Decided
) -> Floats:
    """The matte with what is new of the subject added and what is no longer of it taken away."""
    small, subject = field.scene.matte, decided.subject
    width = FINE_GROWN if decided.blind else GROWN
    added = _changed(field, subject & (small < 1 - HAZE), field.keep, width)
    taken = _changed(field, ~subject & (small > HAZE), field.remove, width)
    result = matte.copy()
    if (added | taken).any():
        border = _border(rgb, matte, field, decided, (added, taken))
        _combine(result, border, added, np.maximum)
        _combine(result, border, taken, np.minimum)
    result[marked[0]] = 1
    result[marked[1]] = 0
    return result


def _changed(field: _Field, parts: Mask, strokes: Strokes, width: int) -> Mask:
    """Those parts that a stroke of their kind touches, with what their borders, so many pixels
    wide, may reach."""
    near = ~field.far
    touched = marks.touching(parts & near, strokes.mask) & near
    grown = cv2.dilate(touched.astype(np.uint8), np.ones((width, width), np.uint8))
    return (grown > 0) & near


def _border(
    rgb: Bytes, matte: Floats, field: _Field, decided: _Decided, parts: tuple[Mask, Mask]
) -> Bytes:
    """The new matte at the photo's size, uint8 (h, w): drawn on a finer grid, then refined there,
    where parts of the subject were added or taken away."""
    size = marks.size_of(rgb.shape, FINE_SIDE)
    frame = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    prior = np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32)
    added, taken = parts
    of = _cut_again if decided.blind else _stretched_cut
    subject = of(frame, field, decided, added | taken)
    drawn = prior.copy()
    _combine(drawn, subject, added, np.maximum)
    _combine(drawn, subject, taken, np.minimum)
    where = _stretched((added | taken).astype(np.float32), size)
    new = contour.refined(frame, prior, drawn, where > 0.5)
    # What is soft costs time at the photo's size, and elsewhere the border is not used.
    return refine.upsample_alpha(rgb, np.where(where > 0, new, new > 0.5), frame)


def _stretched_cut(frame: Bytes, field: _Field, decided: _Decided, changed: Mask) -> Bytes:
    """The subject on the finer grid, uint8 (h, w): soft where it changed."""
    return refine.upsample_alpha(frame, _softened(decided.subject, changed), field.scene.rgb)


def _cut_again(frame: Bytes, field: _Field, decided: _Decided, changed: Mask) -> Bytes:
    """The same, after a cut on that grid: where the subject changed, the colours near by decide
    anew."""
    size = frame.shape[1], frame.shape[0]
    subject = _stretched(decided.subject.astype(np.float32), size) > 0.5
    open_ = _stretched(changed.astype(np.float32), size) > 0.5
    near = _stretched(marks.distance(changed), size) < FINE_NEAR * field.scene.side
    colour = likeness.ratio(
        likeness.codes_of(likeness.lab_of(frame)), subject & near, ~subject & near
    )
    said = FINE_PRIOR * _stretched(decided.said, size) + colour
    keep, remove = (
        _stretched(of.mask.astype(np.float32), size) > 0.5 for of in (field.keep, field.remove)
    )
    settled = subject & ~open_ | keep, ~subject & ~open_ | remove
    fine = graphcut.cut(frame, said, *settled, FINE_SMOOTHNESS)
    return refine.upsample_alpha(frame, _softened(fine, open_), frame)


def _softened(subject: Mask, changed: Mask) -> Floats:
    hard = subject.astype(np.float32)
    return np.where(changed, cv2.GaussianBlur(hard, (0, 0), SOFT), hard)


def _stretched(small: Floats, size: tuple[int, int]) -> Floats:
    return np.asarray(cv2.resize(small, size), np.float32)


def _combine(
    result: Floats, border: Bytes, low: Mask, combine: Callable[[Floats, Floats], Floats]
) -> None:
    """Write the border over the result, in place, where the small mask is."""
    if not low.any():
        return
    rows, columns = (
        _under(np.flatnonzero(low.any(axis=1 - axis)), low.shape[axis], result.shape[axis])
        for axis in (0, 1)
    )
    height, width = result.shape
    where = cv2.resize(low.view(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    part = result[rows, columns]
    new = combine(part, border[rows, columns] * np.float32(1 / 255))
    np.copyto(part, new, where=where[rows, columns] > 0)


def _under(found: npt.NDArray[np.intp], low: int, high: int) -> slice:
    """The pixels of a full-size axis under those of the small one."""
    return slice(int(found[0]) * high // low, -(-(int(found[-1]) + 1) * high // low))
