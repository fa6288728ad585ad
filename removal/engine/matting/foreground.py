"""From a photo's edge colours, mixed with the background's, to the subject's own.

Blur fusion (Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021) in four passes at
low resolution, with a correction that is shared between both colours. The two passes that look far
are made for the whole picture, the near ones only under tiles that hold partly transparent pixels.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from .. import threads
from ..arrays import Bytes, Floats
from ..tiles import SMALLEST, Grid, Tile, for_each, tiles_of

LOW_SIDE = 1024  # colour averages are taken in a frame of at most this height and width
FAR_DIVISOR = 2  # the far passes' frame is smaller by this
FAR_RADII = (45, 15)  # pixels of the far passes' frame
NEAR_RADII = (10, 3)  # pixels of the frame
SPARE = np.float32(
    0.02
)  # where only one of the two is visible, its colours stand in for the other's
AnyPixels = TypeVar("AnyPixels", Bytes, Floats)
Pair = tuple[Floats, Floats]  # of the foreground, of the background


@dataclass(frozen=True, slots=True)
class Hidden:
    """The transparency that a file brings: its alpha, uint8 (h, w), and the picture as `seen` over
    a grey of level `ground`, uint8 (h, w, 3)."""

    alpha: Bytes
    seen: Bytes
    ground: int


def foreground_colour(
    rgb: Bytes, alpha: Bytes, frame: Bytes | None = None, hidden: Hidden | None = None
) -> None:
    """Replace, in place, the colours of partly transparent pixels by the subject's own.

    rgb: uint8 (h, w, 3), alpha: uint8 (h, w). frame: the photo stretched to LOW_SIDE x LOW_SIDE,
    uint8, where the caller has it. A photo's pixel at the edge is a mix of subject and
    old background; left so, the old background shows as a fringe on a new one. Colours under
    alpha 0 and 255 stay the photo's to the bit.

    hidden: of a picture with transparency of its own, whose colours count as far as they are
    visible; `alpha` is then the subject's share of them, and `frame` shows `hidden.seen`.
    """
    shape = alpha.shape[0], alpha.shape[1]
    averages = _Averages(rgb, alpha, frame, hidden)

    def correct(tile: Tile) -> None:
        band = _partly(alpha, tile)
        if not cv2.hasNonZero(band):
            return
        under, means = averages.under(tile)
        for part in tile.cut(SMALLEST):
            soft = np.flatnonzero(band[part.within(tile)] != 0)  # quickest of booleans
            if soft.size == 0:
                continue
            mean_f, mean_b = (_pixels(averages.stretch(mean, under, part), soft) for mean in means)
            colours = np.ascontiguousarray(rgb[part.window])
            a = np.repeat(_weight(alpha[part.window].ravel()[soft]), 3).reshape(-1, 3)
            fused, _ = _fused(_pixels(colours, soft).astype(np.float32), a, mean_f, mean_b)
            colours.reshape(-1, 3)[soft] = (fused + 0.5).astype(np.uint8)
            rgb[part.window] = colours

    for_each(tiles_of(shape), correct)


def _pixels(colours: AnyPixels, at: NDArray[np.intp]) -> AnyPixels:
    """Of (h, w, 3), the pixels whose numbers are `at`: (n, 3)."""
    return colours.reshape(-1, 3).take(at, axis=0)


def _partly(alpha: Bytes, tile: Tile) -> Bytes:
    """Not 0 where alpha is neither clear nor opaque."""
    return np.asarray(cv2.inRange(alpha[tile.window], 1, 254), np.uint8)


class _Averages:
    """Local mean colours of foreground and background, float32, in 8-bit units."""

    def __init__(
        self, rgb: Bytes, alpha: Bytes, frame: Bytes | None, hidden: Hidden | None
    ) -> None:
        shape = alpha.shape[0], alpha.shape[1]
        low = min(shape[0], LOW_SIDE), min(shape[1], LOW_SIDE)
        self._grid = Grid(low, shape)
        fits = frame is not None and frame.shape[:2] == low
        source = rgb if hidden is None else hidden.seen
        self._photo = frame if frame is not None and fits else _shrunk(source, low)
        self._alpha = _shrunk(alpha, low)
        self._visible = None
        if hidden is not None:
            self._visible = _shrunk(hidden.alpha, low)
            self._photo = _straight(self._photo, self._visible, hidden.ground)
        far = max(1, low[0] // FAR_DIVISOR), max(1, low[1] // FAR_DIVISOR)
        self._far_grid = Grid(far, low)
        photo = _shrunk(self._photo, far).astype(np.float32)
        visible = None if self._visible is None else _shrunk(self._visible, far)
        weight = _weight(_shrunk(self._alpha, far))
        with ThreadPoolExecutor(threads.count()) as pool:
            means = _means(photo, weight, visible, (photo, photo), FAR_RADII, pool.map)
        self._far = _fused(photo, _of_colours(weight), *means)

    def under(self, tile: Tile) -> tuple[Tile, Pair]:
        """What of the frame lies under the picture's tile, and both means there."""
        under = self._grid.under(tile)
        seen = under.grown(sum(NEAR_RADII), self._grid.field)
        below = self._far_grid.under(seen)
        start = [
            self._far_grid.stretch(np.ascontiguousarray(colour[below.window]), below, seen)
            for colour in self._far
        ]
        photo = self._photo[seen.window].astype(np.float32)
        weight = _weight(self._alpha[seen.window])
        visible = None if self._visible is None else self._visible[seen.window]
        means = _means(photo, weight, visible, (start[0], start[1]), NEAR_RADII)
        inner = under.within(seen)
        return under, (np.ascontiguousarray(means[0][inner]), np.ascontiguousarray(means[1][inner]))

    def stretch(self, mean: Floats, under: Tile, part: Tile) -> Floats:
        """One of those means at the size of a part of that tile."""
        return self._grid.stretch(mean, under, part)


def _shares(weight: Floats, visible: Bytes | None) -> Pair:
    """How much each pixel counts as foreground and as background, both (h, w)."""
    if visible is None:
        return weight, 1 - weight
    seen = _weight(visible)
    foreground = SPARE + (1 - 2 * SPARE) * weight
    return foreground * seen, (1 - foreground) * seen


def _straight(mixed: Bytes, visible: Bytes, ground: int) -> Bytes:
    """The colours of which `mixed` shows `visible` over the ground."""
    share = np.maximum(visible, 1)[..., None] * np.float32(1 / 255)
    colours = ground + (mixed - np.float32(ground)) / share
    return np.asarray(np.clip(colours + np.float32(0.5), 0, 255), np.uint8)


def _means(
    photo: Floats,
    weight: Floats,
    visible: Bytes | None,
    start: Pair,
    radii: tuple[int, ...],
    mapped: Callable[..., Iterable[Floats]] = map,
) -> Pair:
    """Both mean colours after one pass a radius: means, and between two of them fusing.

    photo: (h, w, 3); weight: alpha as 0..1, (h, w). `mapped` does both sides, as `map` would.
    """
    shares = _shares(weight, visible)
    spread = _of_colours(weight)
    means = start
    for number, radius in enumerate(radii):
        colours = _fused(photo, spread, *means) if number else start
        foreground, background = mapped(_weighted_blur, colours, shares, (radius, radius))
        means = foreground, background
    return means


def _fused(photo: Floats, a: Floats, mean_f: Floats, mean_b: Floats) -> Pair:
    """The pair of colours nearest to the two means that mix, by alpha, to the photo's own. All of
    them (..., 3).

    What the means leave unexplained is shared out in proportion to how much each colour shows
    (the least-norm solution); Forte's correction gives all of it to the foreground, which stains
    thin hair with the background.
    """
    rest = 1 - a
    unexplained = photo - a * mean_f
    unexplained -= rest * mean_b
    unexplained /= a * a + rest * rest
    a = a * unexplained
    rest *= unexplained
    a += mean_f
    rest += mean_b
    return np.clip(a, 0, 255, out=a), np.clip(rest, 0, 255, out=rest)


def _shrunk(pixels: Bytes, shape: tuple[int, int]) -> Bytes:
    return np.asarray(cv2.resize(pixels, shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _weight(alpha: Bytes) -> Floats:
    return np.asarray(alpha * np.float32(1 / 255), np.float32)


def _of_colours(plane: Floats) -> Floats:
    """The same for each of three colours, (h, w, 3): quicker than to spread it each time."""
    return np.asarray(cv2.merge((plane, plane, plane)), np.float32)


def _weighted_blur(colour: Floats, weight: Floats, radius: int) -> Floats:
    """Mean colour, (h, w, 3), of the neighbourhood, each pixel counting by its weight, (h, w)."""
    box = (2 * radius + 1, 2 * radius + 1)
    weighed = colour * _of_colours(weight)
    total = np.asarray(cv2.blur(weighed, box, borderType=cv2.BORDER_REFLECT_101), np.float32)
    weights = np.asarray(cv2.blur(weight, box, borderType=cv2.BORDER_REFLECT_101), np.float32)
    weights += np.float32(1e-5)
    total /= _of_colours(weights)
    return total
