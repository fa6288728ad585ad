"""From a small matte to a full-size one, and from a photo's edge colours to the subject's own.

`upsample_alpha`: fast guided filter (He and Sun, "Fast Guided Filter", arXiv:1505.00996) with the
photo as its colour guide (He, Sun and Tang, "Guided Image Filtering", PAMI 2013).
`foreground_colour`: two-pass blur fusion (Forte, "Approximate Fast Foreground Colour Estimation",
ICIP 2021), its averages taken at low resolution.
"""

import cv2
import numpy as np
import numpy.typing as npt

from .tiles import Bytes, Floats, Tile, for_each, sample, tiles_of

GUIDE_RADIUS = 1  # pixels of the matte
GUIDE_EPS = 1e-4  # of squared colour in 0..1
LOW_SIDE = 1024  # the longer side of the frame in which colour averages are taken
FAR_RADIUS, NEAR_RADIUS = 90, 6  # pixels of that frame: far colours first, then near ones
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
        foreground, background = local[:, :3], local[:, 3:]
        a = part[rows, columns, None] * np.float32(1 / 255)
        photo = colours[rows, columns]
        fused = foreground + a * (photo - a * foreground - (1 - a) * background)
        colours[rows, columns] = np.clip(fused + 0.5, 0, 255).astype(np.uint8)

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
    photo = cv2.resize(rgb, low, interpolation=cv2.INTER_AREA).astype(np.float32)
    a = cv2.resize(alpha, low, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    foreground, background = _far_colours(photo, a)
    mean_f = _weighted_blur(foreground, a, NEAR_RADIUS)
    mean_b = _weighted_blur(background, 1 - a, NEAR_RADIUS)
    return np.concatenate([mean_f, mean_b], axis=2)


def _far_colours(photo: Floats, a: Floats) -> tuple[Floats, Floats]:
    """The first pass: wide averages, which a quarter of the resolution shows as well."""
    size = a.shape[1], a.shape[0]
    quarter = max(1, size[0] // 4), max(1, size[1] // 4)
    small = np.asarray(cv2.resize(photo, quarter, interpolation=cv2.INTER_AREA), np.float32)
    weight = np.asarray(cv2.resize(a, quarter, interpolation=cv2.INTER_AREA), np.float32)
    mean_f = cv2.resize(_weighted_blur(small, weight, FAR_RADIUS // 4), size)
    mean_b = cv2.resize(_weighted_blur(small, 1 - weight, FAR_RADIUS // 4), size)
    share = a[..., None]
    foreground = mean_f + share * (photo - share * mean_f - (1 - share) * mean_b)
    return np.clip(foreground, 0, 255), np.asarray(mean_b, np.float32)


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
