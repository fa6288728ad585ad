"""A person's hints beside a picture: what is to be kept, what is to go, as points and strokes.

As text: {"keep": [[x, y], {"points": [[x, y], ...], "radius": r}], "remove": [...]} in JSON, in
pixels of the upright, full-size picture; or a PNG with labels, as a data URL.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np

from .arrays import Bytes, Mask
from .errors import InvalidOption

Marked = tuple[Mask, Mask]  # what is kept and what is removed, bool (h, w)

NAME = "hints"
MAX_TEXT = 262_144  # characters of JSON
MAX_LABELS = 393_216  # bytes of a PNG with labels
DATA_URL = "data:image/png;base64,"
MAX_DATA_URL = len(DATA_URL) + 4 * -(-MAX_LABELS // 3)  # characters
_PNG = b"\x89PNG\r\n\x1a\n"
MAX_STROKES = 200
MAX_POINTS = 2_000  # of all strokes together
MAX_RADIUS_SHARE = 8  # a radius is at most this share of the longer side
POINT_SHARE = 1 / 200  # of the longer side: the radius of a stroke that names none
GRID = 1024  # of the longer side: hints are drawn on no finer grid, which bounds what they cost
FORM = (
    '{"keep": [...], "remove": [...]} in JSON, each a list of points [x, y] and strokes '
    '{"points": [[x, y], ...], "radius": r}; or a PNG with labels'
)
SCRIBBLES_FORM = (
    '[{"label": "keep" or "remove", "points": [[x, y], ...], "radius": r}, ...] in JSON'
)


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through points (x, y), round at its ends; of a single point, a dot."""

    points: tuple[tuple[float, float], ...]
    radius: float | None = None


@dataclass(frozen=True, slots=True)
class Hints:
    """Either strokes or `labels`: a PNG as reading/labels.py describes it."""

    keep: tuple[Stroke, ...] = ()
    remove: tuple[Stroke, ...] = ()
    labels: bytes | None = None

    def __bool__(self) -> bool:
        return bool(self.keep or self.remove or self.labels)


def text_of(content: bytes) -> str:
    """A file's bytes as `parse_hints` reads them: JSON, or a PNG."""
    if content.startswith(_PNG):
        return DATA_URL + base64.b64encode(content).decode("ascii")
    return content.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Scribble:
    """One stroke of several in order: where two cross, the later one holds."""

    label: Literal["keep", "remove"]
    stroke: Stroke


def parse_hints(name: str, text: str) -> Hints:
    """Raises InvalidOption where the text is too long, not of the form, or has too many points."""
    text = text.strip()
    if text.startswith(DATA_URL):
        return Hints(labels=_labels(name, text))
    said = _said(name, text, FORM)
    if not isinstance(said, dict) or not set(said) <= {"keep", "remove"}:
        raise InvalidOption(name, text, FORM)
    keep, remove = (tuple(_strokes(name, kind, said.get(kind, []))) for kind in ("keep", "remove"))
    hints = Hints(keep, remove)
    _check_count(name, keep + remove)
    return hints


def _labels(name: str, text: str) -> bytes:
    if len(text) > MAX_DATA_URL:
        limit = f"at most {MAX_LABELS:,} bytes of PNG"
        raise InvalidOption(name, "a larger picture of labels", limit)
    try:
        return base64.b64decode(text.removeprefix(DATA_URL), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidOption(name, text, f"a PNG in Base64 after {DATA_URL}") from None


def parse_scribbles(name: str, text: str) -> tuple[Scribble, ...]:
    """Scribbles in order, as JSON: [{"label": "keep", "points": [[x, y], ...], "radius": r}, ...].
    Raises InvalidOption as parse_hints does."""
    said = _said(name, text, SCRIBBLES_FORM)
    if not isinstance(said, list):
        raise InvalidOption(name, text, SCRIBBLES_FORM)
    scribbles = tuple(_scribble(name, item) for item in said)
    _check_count(name, tuple(scribble.stroke for scribble in scribbles))
    return scribbles


def check_scribbles(scribbles: Sequence[Scribble], size: tuple[int, int]) -> None:
    """Refuse what lies outside a picture of that (width, height), and strokes too wide for it."""
    for scribble in scribbles:
        _check_stroke(scribble.label, scribble.stroke, size)


def check(hints: Hints, size: tuple[int, int]) -> None:
    """Raises InvalidOption for what can only be judged by the picture's (width, height):
    points outside of it, strokes too wide, pixels that are marked twice."""
    if hints.labels is not None and (hints.keep or hints.remove):
        raise InvalidOption(NAME, "strokes and a PNG with labels", "either")
    for kind, strokes in (("keep", hints.keep), ("remove", hints.remove)):
        for stroke in strokes:
            _check_stroke(kind, stroke, size)
    keep, remove = drawn(hints, size)
    both = np.argwhere(keep & remove)
    if len(both):
        y, x = (int(at * side / low) for at, side, low in zip(
            both[0], size[::-1], keep.shape, strict=True
        ))  # fmt: skip
        raise InvalidOption(
            NAME, f"keep and remove at [{x}, {y}]", "a place is either kept or removed"
        )


def drawn(hints: Hints, size: tuple[int, int]) -> Marked:
    """What the strokes keep and remove in an upright picture of that (width, height), on a grid of
    at most GRID pixels."""
    grid = _fitted(size)
    return _mask(hints.keep, size, grid), _mask(hints.remove, size, grid)


def drawn_in_order(scribbles: Sequence[Scribble], size: tuple[int, int]) -> Marked:
    """What scribbles keep and remove, as `drawn` gives it."""
    grid = _fitted(size)
    keep, remove = (np.zeros(grid[::-1], np.bool_) for _ in range(2))
    for scribble in scribbles:
        stroke = _mask((scribble.stroke,), size, grid)
        on, off = (keep, remove) if scribble.label == "keep" else (remove, keep)
        on |= stroke
        off &= ~stroke
    return keep, remove


def shrunk(mask: Mask) -> Mask:
    """No finer than the grid that strokes are drawn on; not a pixel of the mask is lost."""
    return _at(mask, _fitted(mask.shape[::-1]))


def fitted(marked: Marked, size: tuple[int, int]) -> Marked:
    """At the (width, height) that is worked on. A shrunk picture may have both on one pixel: it is
    kept."""
    keep, remove = (_at(mask, size) for mask in marked)
    return keep, remove & ~keep


def _at(mask: Mask, size: tuple[int, ...]) -> Mask:
    """At `size` (width, height); where it shrinks, not a pixel of it is lost."""
    for axis, side in enumerate(reversed(size)):
        have = mask.shape[axis]
        if side < have:
            mask = np.logical_or.reduceat(mask, np.arange(side) * have // side, axis=axis)
    if mask.shape == size[::-1]:
        return mask
    levels = np.ascontiguousarray(mask).view(np.uint8)
    return np.asarray(cv2.resize(levels, size, interpolation=cv2.INTER_NEAREST_EXACT) > 0)


def _check_stroke(kind: str, stroke: Stroke, size: tuple[int, int]) -> None:
    width, height = size
    for x, y in stroke.points:
        if not (0 <= x < width and 0 <= y < height):
            inside = f"points inside the picture, which has {width} x {height} pixels"
            raise InvalidOption(NAME, f"{kind} [{x:g}, {y:g}]", inside)
    limit = max(1, max(size) / MAX_RADIUS_SHARE)
    if stroke.radius is not None and not 0 < stroke.radius <= limit:
        raise InvalidOption(
            NAME, f"{kind}: radius {stroke.radius:g}", f"above 0 and at most {limit:g} here"
        )


def _fitted(size: tuple[int, ...]) -> tuple[int, int]:
    scale = min(1.0, GRID / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _mask(strokes: tuple[Stroke, ...], full: tuple[int, int], size: tuple[int, int]) -> Mask:
    """The strokes at `size`; each has at least a pixel."""
    mask: Bytes = np.zeros(size[::-1], np.uint8)
    scale = np.array(size) / np.array(full)
    for stroke in strokes:
        radius = stroke.radius if stroke.radius is not None else max(full) * POINT_SHARE
        width = max(1, round(2 * radius * float(scale[int(np.argmax(full))])))
        line = np.array([*stroke.points, stroke.points[-1]])  # also a single point is drawn
        places = np.minimum((line * scale).astype(np.int32), np.array(size) - 1)
        cv2.polylines(mask, [places.reshape(-1, 1, 2)], False, (1,), width)
    return mask > 0


def _said(name: str, text: str, form: str) -> Any:
    """The parsed JSON. Raises InvalidOption."""
    if len(text) > MAX_TEXT:
        raise InvalidOption(name, f"{len(text):,} characters", f"at most {MAX_TEXT:,}")
    try:
        return json.loads(text, parse_constant=_not_a_number)
    except (ValueError, RecursionError):
        raise InvalidOption(name, text, form) from None


def _scribble(name: str, item: Any) -> Scribble:
    label = item.get("label") if isinstance(item, dict) else None
    if label not in ("keep", "remove"):
        raise InvalidOption(name, json.dumps(item), SCRIBBLES_FORM)
    stroke = {key: value for key, value in item.items() if key != "label"}
    (only,) = _strokes(name, label, [stroke])
    return Scribble(label, only)


def _strokes(name: str, kind: str, said: Any) -> Iterator[Stroke]:
    if not isinstance(said, list):
        raise InvalidOption(name, kind, FORM)
    for item in said:
        stroke: dict[str, Any] = item if _is_stroke(item) else {"points": [item]}
        points: Any = stroke["points"]
        radius: Any = stroke.get("radius")
        if not (isinstance(points, list) and points and all(map(_is_point, points))):
            raise InvalidOption(name, f"{kind}: {json.dumps(item)}", FORM)
        if not (radius is None or _is_number(radius)):
            raise InvalidOption(name, f"{kind}: radius {json.dumps(radius)}", "a number")
        width = None if radius is None else float(radius)
        yield Stroke(tuple((float(x), float(y)) for x, y in points), width)


def _is_stroke(item: Any) -> bool:
    return isinstance(item, dict) and {"points"} <= set(item) <= {"points", "radius"}


def _is_point(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 2 and all(map(_is_number, item))


def _is_number(item: Any) -> bool:
    """A number, and small enough to be drawn and to be printed in an error."""
    return isinstance(item, int | float) and not isinstance(item, bool) and abs(item) < 1e9


def _check_count(name: str, strokes: tuple[Stroke, ...]) -> None:
    points = sum(len(stroke.points) for stroke in strokes)
    if len(strokes) > MAX_STROKES or points > MAX_POINTS:
        raise InvalidOption(
            name,
            f"{len(strokes):,} strokes and points, with {points:,} points together",
            f"at most {MAX_STROKES:,} strokes and points, with {MAX_POINTS:,} points together",
        )


def _not_a_number(word: str) -> float:
    raise ValueError(word)
