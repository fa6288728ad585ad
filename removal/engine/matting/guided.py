"""The guided filter's linear maps: how alpha follows colour in each neighbourhood.

He, Sun and Tang, "Guided Image Filtering", PAMI 2013, with a colour picture as the guide.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from ..arrays import Bytes, Floats


def maps(rgb: Bytes, alpha: Floats, radius: int, eps: float) -> tuple[list[Floats], Floats]:
    """Of each pixel: the linear map from colour in 0..1 to alpha that fits the square of
    2 radius + 1 pixels around it best. The filter takes their means over the same squares.

    rgb: uint8 (h, w, 3). alpha: float32 (h, w). eps: of squared colour; more is smoother.
    Returns three slopes and the offset, float32 (h, w).
    """
    colours = [plane * np.float32(1 / 255) for plane in cv2.split(rgb)]
    means, mean = [box(plane, radius) for plane in colours], box(alpha, radius)
    covariance = [box(c * alpha, radius) - m * mean for c, m in zip(colours, means, strict=True)]
    slopes = _solve(_variances(colours, means, radius, eps), covariance)
    offset = mean
    for slope, of in zip(slopes, means, strict=True):
        offset = offset - slope * of
    return slopes, offset


def box(values: Floats, radius: int) -> Floats:
    """The mean over the square of 2 radius + 1 pixels around each, float32 (h, w)."""
    side = 2 * radius + 1
    return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT_101), np.float32)


def _variances(
    colours: list[Floats], means: list[Floats], radius: int, eps: float
) -> dict[tuple[int, int], Floats]:
    """The six different entries of the colour covariance matrix, eps added on its diagonal."""
    return {
        (i, j): box(colours[i] * colours[j], radius)
        - means[i] * means[j]
        + np.float32(eps if i == j else 0)
        for i in range(3)
        for j in range(i, 3)
    }


def _solve(v: dict[tuple[int, int], Floats], c: Sequence[Floats]) -> list[Floats]:
    """Solve the symmetric 3x3 system of every pixel by its adjugate."""
    rr = v[1, 1] * v[2, 2] - v[1, 2] ** 2
    rg = v[0, 2] * v[1, 2] - v[0, 1] * v[2, 2]
    rb = v[0, 1] * v[1, 2] - v[0, 2] * v[1, 1]
    gg = v[0, 0] * v[2, 2] - v[0, 2] ** 2
    gb = v[0, 2] * v[0, 1] - v[0, 0] * v[1, 2]
    bb = v[0, 0] * v[1, 1] - v[0, 1] ** 2
    inverse = 1 / (v[0, 0] * rr + v[0, 1] * rg + v[0, 2] * rb)
    return [
        (rr * c[0] + rg * c[1] + rb * c[2]) * inverse,
        (rg * c[0] + gg * c[1] + gb * c[2]) * inverse,
        (rb * c[0] + gb * c[1] + bb * c[2]) * inverse,
    ]
