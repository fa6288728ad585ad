"""From a small matte to a full-size one, and from a photo's edge colours to the subject's own.

`upsample_alpha`: fast guided filter (He and Sun, "Fast Guided Filter", arXiv:1505.00996) with the
photo as its colour guide (He, Sun and Tang, "Guided Image Filtering", PAMI 2013).
`foreground_colour`: blur fusion (Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021)
in four passes at low resolution, with a correction that is shared between both colours.
"""

import cv2
import numpy as np
import numpy.typing as npt

from .tiles import Bytes, Floats, Tile, for_each, sample, tiles_of

GUIDE_RADIUS = 1  # pixels of the matte
GUIDE_EPS = 1e-4  # of squared colour in 0..1
LOW_SIDE = 1024  # the longer side of the frame in which colour averages are taken
# The passes, far colours first: what the frame is divided by, and the radius in pixels of that.
COLOUR_PASSES = ((2, 45), (2, 15), (1, 10), (1, 3))
# A matte value nearer to 0 or 1 than this is certain: it becomes exactly 0 or 255, so that the
# background is wholly gone and the subject wholly opaque.
CERTAIN = 4 / 255


def upsample_alpha(rgb: Bytes, matte: Floats) -> Bytes:
    """The matte at the photo's size, its edges moved onto the photo's own.

    rgb: uint8 (h, w, 3) sRGB. matte: float32 (lh, lw), 0..1, of the whole photo stretched to that
    frame. Returns uint8 (h, w).
    """
    height, width = rgb.shape[:2]
    matte = _snap(_at_most(matte, height, width))
    levels = (matte * 255 + 0.5).astype(np.uint8)
    alpha = np.asarray(cv2.resize(levels, (width, height)), np.uint8)  # bilinear
    coefficients = _guide_coefficients(rgb, matte)
    uncertain = _grown((matte > 0) & (matte < 1), GUIDE_RADIUS + 2)

    def refine(tile: Tile) -> None:
        if not _touches(uncertain, tile, (height, width)):
            return
        local = sample(coefficients, tile, (height, width))
        guided = local[..., 3]
        photo = rgb[tile.window]
        for channel in range(3):
            guided += local[..., channel] * photo[..., channel]
        alpha[tile.window] = np.clip(guided + 0.5, 0, 255)

    for_each(tiles_of((height, width)), refine)
    return alpha


def foreground_colour(rgb: Bytes, alpha: Bytes) -> None:
    """Replace, in place, the colours of partly transparent pixels by the subject's own.

    rgb: uint8 (h, w, 3), alpha: uint8 (h, w). A photo's pixel at the edge is a mix of subject and
    old background; left so, the old background shows as a fringe on a new one. Colours under
    alpha 0 and 255 stay the photo's to the bit.
    """
    shape = alpha.shape[0], alpha.shape[1]
    averages = _colour_averages(rgb, alpha)

    def correct(tile: Tile) -> None:
        part = alpha[tile.window]
        colours = rgb[tile.window]
        rows, columns = np.nonzero((part > 0) & (part < 255))
        if rows.size == 0:
            return
        local = sample(averages, tile, shape)[rows, columns]
        a = part[rows, columns] * np.float32(1 / 255)
        photo = colours[rows, columns].astype(np.float32)
        fused, _ = _fused(photo, a, local[:, :3], local[:, 3:])
        colours[rows, columns] = (fused + 0.5).astype(np.uint8)

    for_each(tiles_of(shape), correct)


def _at_most(matte: Floats, height: int, width: int) -> Floats:
    """The matte, shrunk in the directions in which the photo is smaller than it."""
    low = min(matte.shape[1], width), min(matte.shape[0], height)
    return np.asarray(cv2.resize(matte, low, interpolation=cv2.INTER_AREA), np.float32)


def _snap(matte: Floats) -> Floats:
    return np.asarray(np.clip((matte - CERTAIN) / (1 - 2 * CERTAIN), 0, 1), np.float32)


def _guide_coefficients(rgb: Bytes, matte: Floats) -> Floats:
    """Of each pixel of the matte's frame: the linear map (3 slopes, 1 offset) from 8-bit colour to
    8-bit alpha that fits its neighbourhood best. float32 (lh, lw, 4)."""
    low = cv2.resize(rgb, matte.shape[::-1], interpolation=cv2.INTER_AREA)
    guide = low.astype(np.float32) / 255
    mean_guide, mean_matte = _box(guide), _box(matte)
    covariance = _box(guide * matte[..., None]) - mean_guide * mean_matte[..., None]
    slopes = _solve(_variances(guide, mean_guide), covariance)
    offset = mean_matte - (slopes * mean_guide).sum(axis=-1)
    return _box(np.dstack([slopes, offset * 255]).astype(np.float32))


def _variances(guide: Floats, mean: Floats) -> dict[tuple[int, int], Floats]:
    """The six different entries of the colour covariance matrix, eps added on its diagonal."""
    return {
        (i, j): _box(guide[..., i] * guide[..., j])
        - mean[..., i] * mean[..., j]
        + (GUIDE_EPS if i == j else 0)
        for i in range(3)
        for j in range(i, 3)
    }


def _solve(v: dict[tuple[int, int], Floats], c: Floats) -> Floats:
    """Solve the symmetric 3x3 system of every pixel by its adjugate."""
    rr = v[1, 1] * v[2, 2] - v[1, 2] ** 2
    rg = v[0, 2] * v[1, 2] - v[0, 1] * v[2, 2]
    rb = v[0, 1] * v[1, 2] - v[0, 2] * v[1, 1]
    gg = v[0, 0] * v[2, 2] - v[0, 2] ** 2
    gb = v[0, 2] * v[0, 1] - v[0, 0] * v[1, 2]
    bb = v[0, 0] * v[1, 1] - v[0, 1] ** 2
    determinant = v[0, 0] * rr + v[0, 1] * rg + v[0, 2] * rb
    return np.dstack(
        [
            (rr * c[..., 0] + rg * c[..., 1] + rb * c[..., 2]) / determinant,
            (rg * c[..., 0] + gg * c[..., 1] + gb * c[..., 2]) / determinant,
            (rb * c[..., 0] + gb * c[..., 1] + bb * c[..., 2]) / determinant,
        ]
    )


def _box(values: Floats) -> Floats:
    side = 2 * GUIDE_RADIUS + 1
    return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT_101), np.float32)


def _colour_averages(rgb: Bytes, alpha: Bytes) -> Floats:
    """Local mean colours of foreground and background, float32 (lh, lw, 6), 8-bit units."""
    height, width = alpha.shape
    scale = min(1, LOW_SIDE / max(height, width))
    low = max(1, round(width * scale)), max(1, round(height * scale))
    photo = _shrunk(rgb, low)
    a = _shrunk(alpha, low) / 255
    foreground = background = mean_f = mean_b = photo
    for divisor, radius in COLOUR_PASSES:
        size = max(1, low[0] // divisor), max(1, low[1] // divisor)
        small, weight = _shrunk(photo, size), _shrunk(a, size)
        if foreground.shape != small.shape:
            foreground, background = _resized(foreground, size), _resized(background, size)
        mean_f = _weighted_blur(foreground, weight, radius)
        mean_b = _weighted_blur(background, 1 - weight, radius)
        foreground, background = _fused(small, weight, mean_f, mean_b)
    return np.concatenate([mean_f, mean_b], axis=-1)


def _fused(photo: Floats, a: Floats, mean_f: Floats, mean_b: Floats) -> tuple[Floats, Floats]:
    """The pair of colours nearest to the two means that mix, by alpha, to the photo's own.

    What the means leave unexplained is shared out in proportion to how much each colour shows
    (the least-norm solution); Forte's correction gives all of it to the foreground, which stains
    thin hair with the background.
    """
    share = a[..., None]
    unexplained = photo - share * mean_f - (1 - share) * mean_b
    unexplained /= share * share + (1 - share) ** 2
    foreground = np.clip(mean_f + share * unexplained, 0, 255)
    return foreground, np.clip(mean_b + (1 - share) * unexplained, 0, 255)


def _shrunk(pixels: Bytes | Floats, size: tuple[int, int]) -> Floats:
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.float32)


def _resized(pixels: Floats, size: tuple[int, int]) -> Floats:
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _weighted_blur(colour: Floats, weight: Floats, radius: int) -> Floats:
    """Mean colour of the neighbourhood, each pixel of (h, w, 3) counting by its weight (h, w)."""
    box = (2 * radius + 1, 2 * radius + 1)
    total = cv2.blur(colour * weight[..., None], box, borderType=cv2.BORDER_REFLECT_101)
    weights = cv2.blur(weight, box, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(total / (weights[..., None] + 1e-5), np.float32)


def _grown(flags: npt.NDArray[np.bool_], radius: int) -> Bytes:
    side = 2 * radius + 1
    return np.asarray(cv2.dilate(flags.astype(np.uint8), np.ones((side, side), np.uint8)), np.uint8)


def _touches(flags: Bytes, tile: Tile, shape: tuple[int, int]) -> bool:
    """Whether any flag of the low-resolution map lies in the tile."""
    y, x = flags.shape[0] / shape[0], flags.shape[1] / shape[1]
    rows = slice(int(tile.top * y), int(np.ceil(tile.bottom * y)))
    columns = slice(int(tile.left * x), int(np.ceil(tile.right * x)))
    return bool(flags[rows, columns].any())
