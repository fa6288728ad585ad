"""Works on the few parts of a large picture that need it, in parallel, without full-size floats.

A field (matte, colour, filter coefficients) is known at low resolution, or worked out there for
the part that lies under a tile; a `Grid` stretches it over the tile, aligned as `cv2.resize` of the
whole field would be.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np

from . import threads
from .arrays import Floats

# float32 in fact; wide, because in numpy's stubs arithmetic with Python's numbers widens it
Part = TypeVar("Part")

# Of a tile's side, in pixels: small ones leave more of a small picture alone, large ones cost less
# each; a large one's float working set (about 10 MiB) stays near the cache.
SMALLEST, LARGEST = 128, 512
LONGEST = 1 << 14  # OpenCV's warps address pixels with 16 bits
TILES_A_SIDE = 8


@dataclass(frozen=True, slots=True)
class Tile:
    """Rows top..bottom and columns left..right of a picture."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.bottom - self.top, self.right - self.left

    @property
    def window(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, by: int, shape: tuple[int, int]) -> "Tile":
        """With `by` pixels more on each side, within a picture of that shape."""
        return Tile(
            max(self.top - by, 0),
            min(self.bottom + by, shape[0]),
            max(self.left - by, 0),
            min(self.right + by, shape[1]),
        )

    def within(self, outer: "Tile") -> tuple[slice, slice]:
        """The window of this tile in what lies in `outer`'s."""
        return (
            slice(self.top - outer.top, self.bottom - outer.top),
            slice(self.left - outer.left, self.right - outer.left),
        )

    def cut(self, side: int) -> list["Tile"]:
        """Tiles that make it up: squares of that side or, where it is narrower than they are,
        longer ones of the same area, so that their number goes by its pixels."""
        height, width = self.shape
        down = min(side * side // min(side, width), LONGEST)
        across = min(side * side // min(side, height), LONGEST)
        return [
            Tile(top, min(top + down, self.bottom), left, min(left + across, self.right))
            for top in range(self.top, self.bottom, down)
            for left in range(self.left, self.right, across)
        ]


def tiles_of(shape: tuple[int, int]) -> list[Tile]:
    side = min(max(max(shape) // TILES_A_SIDE, SMALLEST), LARGEST)
    return Tile(0, shape[0], 0, shape[1]).cut(side)


@dataclass(frozen=True, slots=True)
class Grid:
    """How a field at low resolution lies on a picture: both shapes are (height, width)."""

    field: tuple[int, int]
    picture: tuple[int, int]

    def under(self, tile: Tile) -> Tile:
        """The part of the field that `stretch` needs for the picture's tile."""
        y, x = self._scale
        return Tile(
            max(int((tile.top + 0.5) * y - 0.5) - 1, 0),
            min(int((tile.bottom + 0.5) * y) + 2, self.field[0]),
            max(int((tile.left + 0.5) * x - 0.5) - 1, 0),
            min(int((tile.right + 0.5) * x) + 2, self.field[1]),
        )

    def stretch(self, part: Floats, under: Tile, tile: Tile) -> Floats:
        """`part`, what of the field lies in `under`, at the tile's own size, bilinear."""
        y, x = self._scale
        matrix = np.array(
            [
                [x, 0, (tile.left + 0.5) * x - 0.5 - under.left],
                [0, y, (tile.top + 0.5) * y - 0.5 - under.top],
            ]
        )
        height, width = tile.shape
        return np.asarray(
            cv2.warpAffine(
                part,
                matrix,
                (width, height),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            np.float32,
        )

    @property
    def _scale(self) -> tuple[float, float]:
        return self.field[0] / self.picture[0], self.field[1] / self.picture[1]


def for_each(parts: Iterable[Part], work: Callable[[Part], None]) -> None:
    """Run `work` on every part of a picture, on as many threads as the engine may use."""
    with ThreadPoolExecutor(threads.count()) as pool:
        for _ in pool.map(work, parts):
            pass
