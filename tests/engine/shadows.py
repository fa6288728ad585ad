"""Made photographs of a thing on an even background, with a shadow that is known."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Scene:
    """rgb: the photo, uint8 (h, w, 3); alpha: the thing's matte, uint8 (h, w); shade: how much
    light the thing takes from its background, float (h, w)."""

    rgb: Array
    alpha: Array
    shade: Array


def scene(seed: int, size: tuple[int, int] = (480, 360), kind: str = "round") -> Scene:
    """A thing of some shape on a background of some colour, falling off towards the edges, under a
    light from somewhere, with a camera's noise. kind: `round` or `angular` things."""
    draw = np.random.default_rng(seed)
    width, height = size
    y, x = np.mgrid[:height, :width].astype(np.float32)
    matte = _thing(draw, size, kind)
    ground = draw.uniform(150, 245) * draw.uniform(0.85, 1.0, 3)
    u, v = x / width - 0.5, y / height - 0.5
    fall = 1 - draw.uniform(0, 0.25) * (u * u + v * v) - draw.uniform(-0.1, 0.1) * v
    shade = _shade(draw, matte, height)
    tint = 1 - draw.uniform(0, 0.06, 3)  # light from elsewhere has another hue
    lit = ground * fall[..., None] * (1 - shade[..., None] * tint)
    grain = draw.normal(0, 22, (*matte.shape, 3))
    thing = draw.uniform(20, 220, 3) + cv2.GaussianBlur(grain, (0, 0), 2)
    photo = lit + (thing - lit) * matte[..., None] + draw.normal(0, 1.5, lit.shape)
    rgb = np.clip(photo + 0.5, 0, 255).astype(np.uint8)
    return Scene(rgb, (matte * 255 + 0.5).astype(np.uint8), shade * tint.mean())


def _thing(draw: np.random.Generator, size: tuple[int, int], kind: str) -> Array:
    width, height = size
    matte = np.zeros((height, width), np.float32)
    centre = width * draw.uniform(0.4, 0.6), height * draw.uniform(0.4, 0.55)
    radii = width * draw.uniform(0.1, 0.22), height * draw.uniform(0.12, 0.25)
    if kind == "round":
        box = (centre, (2 * radii[0], 2 * radii[1]), float(draw.uniform(-30, 30)))
        cv2.ellipse(matte, box, 1.0, -1)
    else:
        turn = np.linspace(0, 2 * np.pi, int(draw.integers(3, 8)), endpoint=False)
        turn = turn + draw.uniform(0, 2)
        points = np.stack([np.cos(turn) * radii[0], np.sin(turn) * radii[1]], 1) + centre
        cv2.fillPoly(matte, [points.astype(np.int32)], 1.0)
    return cv2.GaussianBlur(matte, (0, 0), 0.8)


def _shade(draw: np.random.Generator, matte: Array, height: int) -> Array:
    """A soft shadow that the thing throws to one side, and a darker one where it stands."""
    right, down = draw.uniform(-0.09, 0.09) * height, draw.uniform(0.02, 0.09) * height
    thrown = cv2.warpAffine(matte, np.array([[1, 0, right], [0, 1, down]]), matte.shape[::-1])
    soft = cv2.GaussianBlur(thrown, (0, 0), draw.uniform(0.015, 0.04) * height)
    near = cv2.warpAffine(matte, np.array([[1, 0, 0], [0, 1, 0.01 * height]]), matte.shape[::-1])
    dark = cv2.GaussianBlur(near, (0, 0), 0.008 * height)
    return 1 - (1 - draw.uniform(0.15, 0.45) * soft) * (1 - draw.uniform(0, 0.4) * dark)
