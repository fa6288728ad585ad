"""Between 8-bit pictures and a network's tensors, by its recipe."""

from __future__ import annotations

import numpy as np

from ..arrays import Bytes, Floats
from ..errors import ModelUnavailable
from .recipes import Normalisation, Recipe

SEEN = 0.5  # below this maximum a matte shows no subject


def normalise(rgb: Bytes, normalisation: Normalisation) -> Floats:
    """8-bit colour (h, w, 3) to the network's input, float32 (1, 3, h, w)."""
    divisor = max(float(rgb.max()), 1.0) if normalisation.by_peak else normalisation.divisor
    deviation = np.array(normalisation.deviation, np.float32)[:, None, None]
    mean = np.array(normalisation.mean, np.float32)[:, None, None]
    planes = rgb.transpose(2, 0, 1).astype(np.float32, order="C")
    planes *= 1 / (divisor * deviation)
    planes -= mean / deviation
    return planes[None]


def matte(raw: Floats, recipe: Recipe) -> Floats:
    """The network's output, float32 (h, w), as a matte, float32 (h, w), 0..1.

    ModelUnavailable where it is not numbers: half precision that overflows, as a rule.
    """
    if not np.isfinite(raw).all():
        raise ModelUnavailable("The network's output holds values that are no numbers (NaN).")
    values = _activated(raw / np.float32(recipe.peak) if recipe.peak != 1 else raw, recipe)
    if recipe.inverted:
        values = 1 - values
    if recipe.min_max:
        values = _stretched(values)
    return np.clip(values, 0, 1)


def _activated(raw: Floats, recipe: Recipe) -> Floats:
    if recipe.activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-np.clip(raw, -80, 80))), np.float32)
    if recipe.activation == "tanh":
        return (raw + 1) / 2
    return raw


def _stretched(raw: Floats) -> Floats:
    """Spread the values over 0..1, unless none is high: a picture without a subject would become
    noise."""
    if float(raw.max()) < SEEN:
        return raw
    low, high = float(raw.min()), float(raw.max())
    return (raw - low) / max(high - low, 1e-6)
