"""Composites whose foreground is known, and how near the estimated edge colours come to it.

A cut-out laid over a new background B' shows alpha C + (1 - alpha) B'. Where its colour C should
have been F, the result is off by alpha (C - F), whatever B' is: that is the error measured here, in
8-bit levels, over the pixels with 0 < alpha < 1. Copying the photo's pixels is C = the composite.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from removal.engine.matting import foreground

from .photos import SAMPLES

Pixels = NDArray[np.uint8]
SIDE = 1200
HAIRS = 400
BACKGROUNDS = ((40, 160, 60), (245, 245, 245), (15, 20, 60))
PHOTOS = ("astronaut", "chelsea", "coffee")
# How finely the subjects' colours vary: as skin, hair or fabric of one colour do, and as a
# photograph of many things does, of which no more can be known behind a hair than its surroundings.
SUBJECTS = {"smooth": 25.0, "textured": 0.0}  # standard deviation of the blur, in pixels


@dataclass(frozen=True, slots=True)
class Composite:
    """uint8 colours (h, w, 3) of the subject and of the photo made with it, and alpha (h, w)."""

    foreground: Pixels
    alpha: Pixels
    photo: Pixels


def composites() -> Iterator[tuple[str, Composite]]:
    """(group, composite): each sample as a subject, on each of the others and on plain colours."""
    photos = {name: _sample(name) for name in PHOTOS}
    alpha = hairy_disc()
    for kind, blur in SUBJECTS.items():
        for name, pixels in photos.items():
            subject = np.asarray(cv2.GaussianBlur(pixels, (0, 0), blur)) if blur else pixels
            for other in photos.keys() - {name}:
                yield f"{kind} on photographs", _composed(subject, alpha, photos[other])
            for rgb in BACKGROUNDS:
                ground = np.full((SIDE, SIDE, 3), rgb, np.uint8)
                yield f"{kind} on plain colours", _composed(subject, alpha, ground)


def errors(made: Composite) -> tuple[float, float]:
    """Mean error in the soft band: of the photo's own pixels, and of the estimated colours."""
    estimated = made.photo.copy()
    foreground.foreground_colour(estimated, made.alpha)
    return _error(made.photo, made), _error(estimated, made)


def _error(colours: Pixels, made: Composite) -> float:
    band = (made.alpha > 0) & (made.alpha < 255)
    off = np.abs(colours[band].astype(np.float32) - made.foreground[band])
    return float((off * (made.alpha[band, None] / np.float32(255))).mean())


def _sample(name: str) -> Pixels:
    with Image.open(SAMPLES / f"{name}.jpg") as image:
        side = min(image.size)
        square = image.convert("RGB").crop((0, 0, side, side))
        return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def _composed(foreground: Pixels, alpha: Pixels, background: Pixels) -> Composite:
    share = alpha[..., None] / np.float32(255)
    photo = foreground * share + background * (1 - share)
    return Composite(foreground, alpha, (photo + 0.5).astype(np.uint8))


def hairy_disc() -> Pixels:
    """A disc whose rim goes from sharp to out of focus, with fine hairs around it."""
    dice = np.random.default_rng(11)
    middle, radius = SIDE / 2, SIDE / 4
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32) - middle
    distance, direction = np.hypot(x, y), np.arctan2(y, x)
    softness = 1 + 12 * (1 + np.cos(direction))  # pixels
    disc = np.clip((radius - distance) / softness + 0.5, 0, 1) * 255
    hairs = np.zeros((SIDE, SIDE), np.uint8)
    for angle in dice.uniform(0, 2 * np.pi, HAIRS):
        steps = np.linspace(0.9, dice.uniform(1.1, 1.5), 12)
        bend = angle + dice.uniform(-0.5, 0.5) * (steps - 0.9)
        points = middle + radius * steps[:, None] * np.stack([np.cos(bend), np.sin(bend)], axis=1)
        curve = (points * 16).round().astype(np.int32)
        cv2.polylines(hairs, [curve], False, int(dice.integers(90, 256)), 1, cv2.LINE_AA, 4)
    hairs = np.asarray(cv2.GaussianBlur(hairs, (0, 0), 0.7), np.uint8)
    return np.maximum(disc, hairs).astype(np.uint8)
