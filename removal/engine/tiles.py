"""Works on the few parts of a large picture that need it, in parallel, without full-size floats.

A field (matte, colour, filter coefficients) is known at low resolution; `sample` gives it for one
tile of the full picture, aligned as `cv2.resize` of the whole field would be.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from . import threads

# float32 in fact; wide, because in numpy's stubs arithmetic with Python's numbers widens it
Floats = npt.NDArray[np.floating[Any]]
Bytes = npt.NDArray[np.uint8]

TILE = 512  # pixels: a tile's float working set (about 10 MiB) stays near the cache


@dataclass(frozen=True, slots=True)
class Tile:
    """Rows top..bottom and columns left..right of the picture."""

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


def tiles_of(shape: tuple[int, int]) -> list[Tile]:
    height, width = shape
    return [
        Tile(top, min(top + TILE, height), left, min(left + TILE, width))
        for top in range(0, height, TILE)
        for left in range(0, width, TILE)
    ]


def sample(field: Floats, tile: Tile, shape: tuple[int, int]) -> Floats:
    """The tile's part of `field` (lh, lw[, c]) stretched to the picture's `shape`, bilinear."""
    scale_y, scale_x = field.shape[0] / shape[0], field.shape[1] / shape[1]
    top = max(int((tile.top + 0.5) * scale_y - 0.5) - 1, 0)
    left = max(int((tile.left + 0.5) * scale_x - 0.5) - 1, 0)
    bottom = min(int((tile.bottom + 0.5) * scale_y) + 2, field.shape[0])
    right = min(int((tile.right + 0.5) * scale_x) + 2, field.shape[1])
    matrix = np.array(
        [
            [scale_x, 0, (tile.left + 0.5) * scale_x - 0.5 - left],
            [0, scale_y, (tile.top + 0.5) * scale_y - 0.5 - top],
        ]
    )
    height, width = tile.shape
    return np.asarray(
        cv2.warpAffine(
            field[top:bottom, left:right],
            matrix,
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )


def for_each(tiles: Iterable[Tile], work: Callable[[Tile], None]) -> None:
    """Run `work` on every tile, on as many threads as the engine may use."""
    with ThreadPoolExecutor(threads.count()) as pool:
        for _ in pool.map(work, tiles):
            pass
