"""From a photo's edge colours, mixed with the background's, to the subject's own.

Blur fusion (Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021) in four passes at
low resolution, with a correction that is shared between both colours. The two passes that look far
are made for the whole picture, the near ones only under tiles that hold partly transparent pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ..tiles import SMALLEST, Bytes, Floats, Grid, Tile, for_each, tiles_of

LOW_SIDE = 1024  # colour averages are taken in a frame of at most this height and width
FAR_DIVISOR = 2  # the far passes' frame is smaller by this
FAR_RADII = (45, 15)  # pixels of the far passes' frame
NEAR_RADII = (10, 3)  # pixels of the frame
SPARE = np.float32(
    0.02
)  # where only one of the two is visible, its colours stand in for the other's
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
            rows, columns = np.nonzero(band[part.within(tile)])
            if rows.size == 0:
                continue
            mean_f, mean_b = (averages.stretch(mean, under, part)[rows, columns] for mean in means)
            colours = rgb[part.window]
            a = alpha[part.window][rows, columns, None] * np.float32(1 / 255)
            fused, _ = _fused(colours[rows, columns].astype(np.float32), a, mean_f, mean_b)
            colours[rows, columns] = (fused + 0.5).astype(np.uint8)

    for_each(tiles_of(shape), correct)


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
        self._far = _passes(photo, weight, _shares(weight, visible), (photo, photo), FAR_RADII)[1]

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
        shares = _shares(weight, visible)
        means, _ = _passes(photo, weight, shares, (start[0], start[1]), NEAR_RADII)
        inner = under.within(seen)
        return under, (np.ascontiguousarray(means[0][inner]), np.ascontiguousarray(means[1][inner]))

    def stretch(self, mean: Floats, under: Tile, part: Tile) -> Floats:
        """One of those means at the size of a part of that tile."""
        return self._grid.stretch(mean, under, part)


def _shares(weight: Floats, visible: Bytes | None) -> Pair:
    """How much each pixel counts as foreground and as background, both (h, w, 3)."""
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


def _passes(
    photo: Floats, weight: Floats, shares: Pair, start: Pair, radii: tuple[int, ...]
) -> tuple[Pair, Pair]:
    """One pass a radius: mean both colours, then fuse them with the photo. Returns the last means
    and the last colours."""
    colours = means = start
    for radius in radii:
        means = (
            _weighted_blur(colours[0], shares[0], radius),
            _weighted_blur(colours[1], shares[1], radius),
        )
        colours = _fused(photo, weight, *means)
    return means, colours


def _fused(photo: Floats, a: Floats, mean_f: Floats, mean_b: Floats) -> Pair:
    """The pair of colours nearest to the two means that mix, by alpha, to the photo's own. All of
    them (..., 3); alpha may be (..., 1).

    What the means leave unexplained is shared out in proportion to how much each colour shows
    (the least-norm solution); Forte's correction gives all of it to the foreground, which stains
    thin hair with the background.
    """
    rest = 1 - a
    unexplained = photo - a * mean_f - rest * mean_b
    unexplained /= a * a + rest * rest
    foreground = mean_f + a * unexplained
    background = mean_b + rest * unexplained
    return np.clip(foreground, 0, 255), np.clip(background, 0, 255)


def _shrunk(pixels: Bytes, shape: tuple[int, int]) -> Bytes:
    return np.asarray(cv2.resize(pixels, shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _weight(alpha: Bytes) -> Floats:
    """Alpha as 0..1, once for each colour: (h, w, 3), quicker than to spread it each time."""
    plane = alpha * np.float32(1 / 255)
    return np.asarray(cv2.merge((plane, plane, plane)), np.float32)


def _weighted_blur(colour: Floats, weight: Floats, radius: int) -> Floats:
    """Mean colour of the neighbourhood, each pixel counting by its weight; all (h, w, 3)."""
    box = (2 * radius + 1, 2 * radius + 1)
    total = cv2.blur(colour * weight, box, borderType=cv2.BORDER_REFLECT_101)
    weights = cv2.blur(weight, box, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(total / (weights + np.float32(1e-5)), np.float32)
