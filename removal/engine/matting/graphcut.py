"""The cheapest border between subject and ground (Boykov and Jolly, "Interactive Graph Cuts",
ICCV 2001), by OpenCV's `grabCut`.

That function takes no costs of our own. So its picture is made up: two channels hold the photo's
main colours, from which it prices the border, the third what each pixel speaks for; and its two
colour models are frozen ones that differ in the third channel alone.
"""

import cv2
import numpy as np

from ..arrays import Bytes, Floats, Mask

MOST = 8.0  # of what a pixel may say
_STEP = 20.0  # levels of the third channel from "nothing" to MOST
_MIDDLE = 128.0
_GAMMA = 50.0  # OpenCV's own weight of the border
_WIDE = 1e4  # the models' variance in the channels that are to say nothing


def cut(rgb: Bytes, speaks: Floats, subject: Mask, ground: Mask, smoothness: float) -> Mask:
    """Which pixels are subject, bool (h, w).

    rgb: uint8 (h, w, 3). speaks: float (h, w), the logarithm of how much likelier subject is than
    ground. subject, ground: bool (h, w), what is settled. smoothness: the weight of the border.
    """
    labels = np.where(speaks > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[ground] = cv2.GC_BGD
    labels[subject] = cv2.GC_FGD
    spread = 2 * _STEP * _STEP * smoothness / (MOST * _GAMMA)
    below, above = (_model(_MIDDLE + side * _STEP, spread) for side in (-1, 1))
    made = _made(rgb, speaks)
    cv2.grabCut(made, labels, (0, 0, 1, 1), below, above, 1, cv2.GC_EVAL_FREEZE_MODEL)
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))


def _made(rgb: Bytes, speaks: Floats) -> Bytes:
    """The picture with two principal colours and what the pixels say, uint8 (h, w, 3)."""
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float64)
    lab -= lab.mean(axis=0)
    _, directions = np.linalg.eigh(lab.T @ lab)
    main = (lab @ directions[:, :0:-1]).reshape(*rgb.shape[:2], 2) + _MIDDLE
    said = np.clip(speaks, -MOST, MOST) * (_STEP / MOST) + _MIDDLE
    return np.clip(np.round(np.dstack([main, said])), 0, 255).astype(np.uint8)


def _model(level: float, spread: float) -> Floats:
    """OpenCV's layout of five Gaussians, (1, 65): weights, means, covariances; only one is used."""
    model = np.zeros((1, 65))
    model[0, 0] = 1
    model[0, 5:8] = _MIDDLE, _MIDDLE, level
    model[0, 20:29] = np.diag([_WIDE, _WIDE, spread]).ravel()
    return model
