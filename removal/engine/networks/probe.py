"""Tries a network on four plain frames when it is loaded: what its recipe says wrongly shows there.

Each refusal says what was found and which line of the recipe mends it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Bytes, Floats
from .ports import unfit
from .recipes import Recipe
from .tensors import matte, normalise

VERSION = 1  # of what is tried here: another one has every network tried again
SLACK = 0.05  # by which values may leave 0..1, or -1..1
SURE = 0.9  # what a matte reaches where a network sees a subject
# By which a frame's mattes in half precision may differ on average: half a grey level of 8 bits.
# ISNet's differ by .0001, BiRefNet's by .0002 as published; u2netp's by .012.
ALIKE = 0.002
BYTE_RANGE = (50, 256)  # of a maximum that means 0..255


@dataclass(frozen=True, slots=True)
class Trial:
    """What a network made of the frames: raw outputs, and mattes, float32 (h, w) each."""

    raw: Sequence[Floats]
    mattes: Sequence[Floats]


def examine(run: Callable[[Floats], Floats], recipe: Recipe) -> Trial:
    """Raises ModelUnavailable where the outputs are no mattes.

    run: takes float32 (1, 3, h, w), returns the raw output, (h, w).
    """
    trial = trial_of(outputs(run, recipe), recipe)
    _check_range([one / np.float32(recipe.peak) for one in trial.raw], recipe)
    _check_direction(trial, recipe)
    _check_ends(trial, recipe)
    return trial


def inputs(recipe: Recipe) -> list[Floats]:
    """The frames as the network takes them."""
    assert recipe.normalisation is not None
    return [normalise(frame, recipe.normalisation) for frame in frames(recipe)]


def outputs(run: Callable[[Floats], Floats], recipe: Recipe) -> list[Floats]:
    """What the network makes of each frame by itself."""
    return [run(tensor) for tensor in inputs(recipe)]


def trial_of(raw: Sequence[Floats], recipe: Recipe) -> Trial:
    """ModelUnavailable where the outputs are not numbers."""
    if not all(np.isfinite(one).all() for one in raw):
        raise unfit(
            "On plain frames its output holds values that are no numbers (NaN): half precision "
            "overflows, as a rule. Export it in float32."
        )
    return Trial(raw, [matte(one, recipe) for one in raw])


def require_alike(found: Trial, full: Trial, how: str) -> None:
    """ModelUnavailable where the mattes of a network differ by more than rounding.

    full: in float32, each frame by itself; found: otherwise, which `how` says.
    """
    pairs = zip(found.mattes, full.mattes, strict=True)
    most = max(float(np.abs(one - other).mean()) for one, other in pairs)
    if most > ALIKE:
        raise unfit(
            f"On a plain frame, its matte {how} differs by {most:.4f} on average; at most "
            f"{ALIKE} is taken for rounding."
        )


def frames(recipe: Recipe) -> list[Bytes]:
    """Black, white, a half-split, and a soft light disc in the middle of the dark; (h, w, 3)."""
    width, height = recipe.frame_size((recipe.side, recipe.side))
    black = np.zeros((height, width, 3), np.uint8)
    white = np.full_like(black, 255)
    split = black.copy()
    split[:, width // 2 :] = 255
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    distance = np.hypot(rows, columns)
    disc = np.asarray(np.clip((0.75 - distance) / 0.3, 0, 1) * 255, np.uint8)
    return [black, white, split, np.repeat(disc[:, :, None], 3, axis=2)]


def _check_range(raw: Sequence[Floats], recipe: Recipe) -> None:
    low, high = min(float(one.min()) for one in raw), max(float(one.max()) for one in raw)
    found = f"On plain frames its output goes from {low:.3g} to {high:.3g}:"
    inside = low >= -SLACK and high <= 1 + SLACK
    if recipe.activation != "none":
        if inside:
            raise unfit(f"{found} that is a matte already.", activation="none")
        if recipe.activation == "tanh" and max(-low, high) > 1 + SLACK:
            raise unfit(f"{found} those look like logits.", activation="sigmoid")
    elif not inside:
        if low >= -0.5 and BYTE_RANGE[0] < high <= BYTE_RANGE[1]:
            raise unfit(f"{found} those look like 0..255.", peak=255)
        if max(-low, high) <= 1 + SLACK:
            raise unfit(f"{found} those look like -1..1.", activation="tanh")
        raise unfit(f"{found} those look like logits.", activation="sigmoid")


def _check_direction(trial: Trial, recipe: Recipe) -> None:
    """A subject in the middle must not come out as background, nor plain frames as subject."""
    black, white, _, soft = trial.mattes
    height, width = soft.shape
    middle = soft[height * 2 // 5 : height * 3 // 5, width * 2 // 5 : width * 3 // 5].mean()
    border = np.concatenate((soft[0], soft[-1], soft[:, 0], soft[:, -1])).mean()
    everywhere = min(float(black.mean()), float(white.mean()), float(border))
    if border - middle > 0.5 or everywhere > SURE:
        raise unfit(
            "On plain frames its output is high where there is no subject: it looks inverted.",
            inverted=not recipe.inverted,
        )


def _check_ends(trial: Trial, recipe: Recipe) -> None:
    """Outputs that never come near 0 or 1 are to be stretched, unless the recipe says no."""
    if recipe.min_max is not None:
        return
    low = min(float(one.min()) for one in trial.mattes)
    high = max(float(one.max()) for one in trial.mattes)
    if low > SLACK or high < SURE:
        raise unfit(
            f"On plain frames its matte goes from {low:.2f} to {high:.2f} only. Many networks' "
            "outputs are to be stretched to 0..1; if this one's are not, say false.",
            min_max=True,
        )
