"""The shadow that a subject casts in the photo itself, where the background is even.

The background is modelled by a quadratic surface for each colour, fitted robustly to what is not
darker than its surroundings (asymmetric least squares, Newey and Powell 1987; then with outliers
left out). The shadow is what the photo lacks of that model, where it lies against the subject and
keeps the background's hue. All values are coded sRGB: see `shadow`.
"""

import cv2
import numpy as np

from ..arrays import Bytes, Floats, Mask
from .shadow import Cast, blurred

PHOTO_SIDE = 384  # cells of the photo's longer side
MODEL_SIDE = 96  # of those that the background's model is fitted to
LEAST_VISIBLE = 0.10  # of the frame has to be background
DARKEST = 80  # mean level of a background on which a shadow can be told
ROUNDS, FIRST_ROUNDS = 14, 7
BELOW = 0.08  # weight of cells darker than the model, in the first rounds
LEAST_EVEN = 0.45  # of the background has to agree with the model
MOST_NOISE = 0.016  # spread around the model, as a share of its level
BRIGHT = 0.05  # above the model: nothing that a shadow does
TINT, TINT_IN_SHADE = 0.05, 0.15  # how far a shadow may leave the background's hue
MOST_FOREIGN = 0.03  # of the background: cells that are neither it nor its shadow
MOST_ON_EDGE = 0.25  # of the frame's edge that a shadow may cross
HARD, MOST_HARD = 0.10, 0.2  # a step from cell to cell; the share of a shadow's rim with such
LEAST, DEEPEST = 0.012, 0.8  # the faintest shadow, and the darkest: beyond it is a thing
SMOOTH = 0.6  # cells; and how far what is known is carried on under the subject
CARRIED, ENOUGH = (0.6, 1.2, 4.0), 0.02
TAPER = 0.04  # of the frame's sides, over which a shadow that is cut off fades


def natural(rgb: Bytes, alpha: Bytes) -> Cast | None:
    """The shadow that the subject casts in the photo, where its background is even; else None.

    rgb: the photo, uint8 (h, w, 3); alpha: its matte, uint8 (h, w).
    """
    shape = _low(alpha.shape, PHOTO_SIDE)
    photo = _shrunk(rgb, shape).astype(np.float32)
    covered = cv2.dilate((_shrunk(alpha, shape) > 2).view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    visible = ~covered
    if visible.mean() < LEAST_VISIBLE:
        return None
    fitted = _model(photo, visible)
    if fitted is None:
        return None
    model, noise = fitted
    shade = _shade(photo, model, visible, covered, max(LEAST, 3 * noise))
    if shade is None:
        return None
    step = alpha.shape[1] / shape[1], alpha.shape[0] / shape[0]
    return Cast(shade, 0.0, 0.0, step)


def _low(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    scale = min(1.0, side / max(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _shrunk(pixels: Bytes, shape: tuple[int, int]) -> Bytes:
    return np.asarray(cv2.resize(pixels, shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _surface(shape: tuple[int, int]) -> Floats:
    """The six terms of a quadratic surface at each cell, (h, w, 6)."""
    y, x = ((np.arange(side) + 0.5) * 2 / side - 1 for side in shape)
    x, y = np.broadcast_arrays(x[None, :], y[:, None])
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def _model(photo: Floats, visible: Mask) -> tuple[Floats, float] | None:
    """The background without its shadow, float32 (h, w, 3), and its spread around that as a share
    of the level; None where it is too dark or not even."""
    shape = _low(visible.shape, MODEL_SIDE)
    weight = visible.astype(np.float32)
    share = cv2.resize(weight, shape[::-1], interpolation=cv2.INTER_AREA)
    mean = cv2.resize(photo * weight[..., None], shape[::-1], interpolation=cv2.INTER_AREA)
    used = share >= 0.5
    if used.sum() < 24:
        return None
    terms, colours = _surface(shape)[used], mean[used] / share[used, None]
    grey = colours.mean(axis=1)
    weights = np.ones(grey.size)
    noise = 0.0
    for turn in range(ROUNDS):
        weighted = terms * weights[:, None]
        factors = np.linalg.solve(weighted.T @ terms + 1e-6 * np.eye(6), weighted.T @ colours)
        level = np.maximum((terms @ factors).mean(axis=1), 1)
        error = grey / level - 1
        if turn < FIRST_ROUNDS:
            weights = np.where(error < 0, BELOW, 1.0)
            continue
        above = error[error > 0]
        noise = float(np.median(above)) / 0.6745 if above.size else 0.0
        spread = max(noise, 0.003)
        weights = ((error > -2.5 * spread) & (error < 4 * spread)).astype(np.float64)
        if weights.sum() < max(LEAST_EVEN * grey.size, 12):
            return None
    if noise > MOST_NOISE or np.median(level) < DARKEST:
        return None
    model = _surface((visible.shape[0], visible.shape[1])) @ factors
    return np.asarray(np.clip(model, 1, 255), np.float32), noise


def _shade(
    photo: Floats, model: Floats, visible: Mask, covered: Mask, least: float
) -> Floats | None:
    """How much of the background's light is missing, 0..1; None where other things are about."""
    lit = (photo * model).sum(axis=2) / (model * model).sum(axis=2)
    tint = np.abs(photo - lit[..., None] * model).max(axis=2) / model.mean(axis=2)
    shade = np.clip(1 - lit, 0, 1)
    foreign = visible & (
        (lit > 1 + BRIGHT) | (tint > TINT + TINT_IN_SHADE * shade) | (shade > DEEPEST)
    )
    dark = visible & ~foreign & (shade > least)
    own = _touching(dark, covered)
    foreign |= dark & ~own & (shade > 2 * least)
    strong = own & (shade > 2 * least)
    if foreign.sum() > MOST_FOREIGN * visible.sum() or _on_edge(strong):
        return None
    if _is_hard(shade, strong, covered):
        return None
    gate = np.clip(shade / least - 1, 0, 1)
    shade = np.where(own, shade * gate * gate * (3 - 2 * gate), 0).astype(np.float32)
    return _tapered(_extended(shade, visible & ~foreign))


def _touching(dark: Mask, covered: Mask) -> Mask:
    """The parts of `dark` that lie against what is covered."""
    near = cv2.dilate(covered.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    _, labels = cv2.connectedComponents(dark.view(np.uint8), connectivity=4)
    keeps = np.zeros(labels.max() + 1, np.bool_)
    keeps[labels[near & dark]] = True
    keeps[0] = False
    return np.asarray(keeps[labels])


def _on_edge(own: Mask) -> bool:
    edge = np.concatenate([own[0], own[-1], own[1:-1, 0], own[1:-1, -1]])
    return bool(edge.mean() > MOST_ON_EDGE)


def _is_hard(shade: Floats, own: Mask, covered: Mask) -> bool:
    """Whether what is dark ends abruptly, as things do, and not only where the subject stands."""
    window = np.ones((3, 3), np.uint8)
    step = cv2.dilate(shade, window) - cv2.erode(shade, window)
    beside = cv2.dilate(covered.view(np.uint8), np.ones((9, 9), np.uint8)) > 0
    inner = cv2.erode(own.view(np.uint8), window) > 0
    rim = own & ~inner & ~beside
    return bool((step[rim] > HARD).sum() > MOST_HARD * max(int(rim.sum()), 20))


def _extended(shade: Floats, known: Mask) -> Floats:
    """Smoothed, and carried on under the subject's edge, where the photo does not show it."""
    weight = known.astype(np.float32)
    extended = np.zeros_like(shade)
    for sigma in CARRIED[::-1]:  # the nearest that is known counts
        share = blurred(weight, sigma, sigma)
        value = blurred(shade * weight, sigma, sigma) / np.maximum(share, np.float32(1e-6))
        extended = np.where(share > ENOUGH, value, extended)
    smooth = blurred(shade * weight, SMOOTH, SMOOTH) / np.maximum(
        blurred(weight, SMOOTH, SMOOTH), np.float32(1e-6)
    )
    return np.asarray(np.where(known, smooth, extended), np.float32)


def _tapered(shade: Floats) -> Floats:
    """Fading towards the frame's edges: on a larger canvas a shadow that is cut off shows."""
    sides = []
    for side in shade.shape:
        at = (np.arange(side) + 0.5) / side
        share = np.clip(np.minimum(at, 1 - at) / TAPER, 0, 1)
        sides.append(share * share * (3 - 2 * share))
    return np.asarray(shade * sides[0][:, None] * sides[1], np.float32)
