"""Corrects what the main network leaves half transparent: solid inside a subject, clear beside it.

Two kinds of evidence:

- colour: a wide half-transparent area none of whose colours the background has is a solid that the
  network doubts. Through true glass, smoke and hair the background shows;
- a second network, where there is one, which sees the picture coarsely. What it is certain of
  raises wide areas, but only where the main network does not itself say clear, and never in narrow
  gaps or in what the subject shuts in, as it fills holes. Wide areas in the background's colours
  that it calls clear are lowered: ground between and beside the parts of a subject.

All of it happens in a frame of FRAME x FRAME; radii below are pixels of that frame.
"""

import cv2
import numpy as np
import numpy.typing as npt

from ..arrays import Bytes, Floats

FRAME = 320
CERTAIN = (0.80, 0.98)  # values of the second matte from "not believed" to "believed"
EDGE = 5  # side of the square by which the second matte is eroded: its edges are coarse
GAP_WIDTH = 13  # gaps narrower than this are closed to find them
GAP_DEPTH = (0.3, 0.7)  # how much darker than its surroundings a gap is
NOT_CLEAR = (0.015, 0.07)  # values of the main matte from "clear" to "not clear"
SHUT_IN = 0.6  # areas below this that do not reach the frame's border may be holes
MISSING_WIDTH = 9  # the second network is too coarse to add anything narrower
SMOOTH = 1.2  # sigma: the addition gets soft edges
MISSING = 0.3  # alpha that the second network might add
DOUBTFUL_SHARE = 0.05  # of the frame: asked for less doubt, it gained next to nothing
COLOUR_BINS = 10  # per axis of Lab
COLOUR_BLUR = (0.668, 0.166)  # own and neighbouring bins: a Gaussian of sigma 0.6
BACKGROUND_LIKE = (0.60, 0.85)  # share of background in a colour, from "unlike" to "like"
COLOUR_REACH = 16  # sigma: colours are judged over an area, not a pixel
DISTRUST = 0.6  # how much of an addition in the background's colours is taken back
DOUBT = (0.15, 0.90)  # the main matte's values between which it is half transparent
DOUBT_WIDTH = 9  # narrower half-transparent strips are edges and hair
DOUBT_REACH = 6  # sigma
FOREIGN = (0.15, 0.40)  # share of background in an area's colours, from "foreign" to "not foreign"
DOUBT_RAISED = (0.2, 0.4)  # fainter areas are left alone
HAZE = (0.08, 0.97)  # the main matte's values that may be lowered
HAZE_WIDTH = 7
HAZE_LOWERED = (0.6, 0.97)  # from "lowered wholly" to "left alone": the surer, the less
HAZE_BACKGROUND = (0.4, 0.8)  # share of background in an area's colours, from "unlike" to "like"
SECOND_CLEAR = (0.5, 0.9)  # values of the second matte from "clear" to "perhaps subject"


def correct(matte: Floats, rgb: Bytes, second: Floats | None = None) -> Floats:
    """Raise `matte` where the subject is solid, lower it where the background shows.

    matte: float32 (h, w), 0..1. rgb: uint8 (FRAME, FRAME, 3), the photo stretched to that frame.
    second: float32 (FRAME, FRAME), the second network's matte; without it nothing is lowered.
    Returns float32 (h, w), 0..1.
    """
    main = _framed(matte)
    doubted = _wide_doubt(main)
    if second is None and not doubted.any():
        return matte
    background = background_share(rgb, main, main if second is None else second)
    raised = _smooth(_doubted_solids(main, doubted, background))
    if second is None:
        return _raise(matte, raised)
    raised = np.maximum(raised, _second_opinion(main, second, background))
    haze = _enlarged(_background_haze(main, second, background), matte)
    return np.asarray(_raise(matte, raised) * (1 - haze), np.float32)


def is_doubtful(matte: Floats) -> bool:
    """Whether a second opinion on `matte`, float32 (h, w), could change much; it costs time."""
    main = _framed(matte)
    haze = _wide_haze(main)
    # Openings only take away from what is missing. Most pictures have too little of it without a
    # search for any.
    most = _wide((_ramp(main, *NOT_CLEAR) * (1 - main) > MISSING).view(np.uint8))
    if cv2.countNonZero(most) + cv2.countNonZero(haze) < DOUBTFUL_SHARE * main.size - 1:
        return False
    missing = _wide(_open_to_doubt(main) * (1 - main)) > MISSING
    return bool((missing.mean() + haze.mean()) > DOUBTFUL_SHARE)


def _framed(matte: Floats) -> Floats:
    size = (FRAME, FRAME)
    return np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32)


def _raise(matte: Floats, raised: Floats) -> Floats:
    return np.asarray(matte + _enlarged(raised, matte) * (1 - matte), np.float32)


def _enlarged(values: Floats, matte: Floats) -> Floats:
    """`values` of the frame at the size of `matte`."""
    size = matte.shape[::-1]
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_LINEAR), np.float32)


def background_share(rgb: Bytes, main: Floats, second: Floats) -> Floats:
    """How much each pixel's colour is the background's: 0 only the subject has it, 1 only the
    background; 0 for colours that neither surely has. Same shape as `main`."""
    codes = _colour_codes(rgb)
    subject = _histogram(codes[(main > 0.95) & (second > 0.5)])
    background = _histogram(codes[(main < 0.05) & (second < 0.1)])
    share = background / (subject + background + 1e-9)
    return np.asarray(share[codes], np.float32)


def _second_opinion(main: Floats, second: Floats, background: Floats) -> Floats:
    """How much the second network raises, float32 (FRAME, FRAME)."""
    allowed = _open_to_doubt(main)
    certain = _ramp(cv2.erode(second, np.ones((EDGE, EDGE), np.uint8)), *CERTAIN)
    believed = np.minimum(certain, _wide(certain * allowed * (1 - main)) + main)
    believed = _smooth(believed) * allowed
    likeness = _ramp(_area_mean(background, believed * (1 - main)), *BACKGROUND_LIKE)
    return np.asarray(believed * (1 - DISTRUST * likeness), np.float32)


def _open_to_doubt(main: Floats) -> Floats:
    """1 where the second network may raise, 0 where the main one says clear and in openings."""
    openings = np.maximum(_narrow_gaps(main), _shut_in(main))
    return _ramp(main, *NOT_CLEAR) * (1 - _widened(openings, 3))


def _wide(missing: Floats) -> Floats:
    """`missing` without what is narrower than MISSING_WIDTH."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (MISSING_WIDTH, MISSING_WIDTH))
    return _widened(np.asarray(cv2.morphologyEx(missing, cv2.MORPH_OPEN, disc)), 5)


def _shut_in(main: Floats) -> Floats:
    """1 in areas that the main network does not call subject and the subject encloses."""
    open_area = (main < SHUT_IN).astype(np.uint8)
    _, labels = cv2.connectedComponents(open_area)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return ((open_area > 0) & ~np.isin(labels, border)).astype(np.float32)


def _background_haze(main: Floats, second: Floats, background: Floats) -> Floats:
    """How much is taken away, float32 (FRAME, FRAME)."""
    wide = _wide_haze(main)
    likeness = _ramp(_share_in(wide, background), *HAZE_BACKGROUND)
    unsure = 1 - _ramp(main, *HAZE_LOWERED)
    return _smooth(wide * likeness * unsure * (1 - _ramp(second, *SECOND_CLEAR)))


def _wide_haze(main: Floats) -> Floats:
    """1 in wide half-transparent areas, else 0."""
    return _wide_parts(main, HAZE, HAZE_WIDTH)


def _narrow_gaps(main: Floats) -> Floats:
    """1 in dark gaps between bright parts: between fingers, legs, spokes."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (GAP_WIDTH, GAP_WIDTH))
    closed = np.asarray(cv2.morphologyEx(main, cv2.MORPH_CLOSE, disc))
    return _ramp(closed - main, *GAP_DEPTH) * _ramp(0.35 - main, 0, 0.25)


def _wide_doubt(main: Floats) -> Floats:
    """1 in wide areas of which the main network is not sure, else 0."""
    return _wide_parts(main, DOUBT, DOUBT_WIDTH)


def _wide_parts(main: Floats, between: tuple[float, float], width: int) -> Floats:
    """1 where `main` lies between both values, over squares of that width at least; else 0."""
    low, high = between
    parts = ((main > low) & (main < high)).view(np.uint8)
    square = np.ones((width, width), np.uint8)
    return np.asarray(cv2.morphologyEx(parts, cv2.MORPH_OPEN, square), np.float32)


def _doubted_solids(main: Floats, doubted: Floats, background: Floats) -> Floats:
    """How much the areas in doubt are raised whose colours the background lacks."""
    share = _share_in(doubted, background)
    return doubted * (1 - _ramp(share, *FOREIGN)) * _ramp(main, *DOUBT_RAISED)


def _share_in(area: Floats, background: Floats) -> Floats:
    """The background's share around each pixel, of what lies within `area`."""
    blurred = cv2.GaussianBlur(background * area, (0, 0), DOUBT_REACH)
    counted = cv2.GaussianBlur(area, (0, 0), DOUBT_REACH) + np.float32(1e-3)
    return np.asarray(blurred / counted, np.float32)


def _widened(values: Floats, side: int) -> Floats:
    return np.asarray(cv2.dilate(values, np.ones((side, side), np.uint8)), np.float32)


def _area_mean(values: Floats, weights: Floats) -> Floats:
    """The mean of `values` around each pixel, weighted; weights up to 0.1 do not count."""
    counted = np.where(weights > 0.1, weights, 0).astype(np.float32)
    total = cv2.GaussianBlur(counted, (0, 0), COLOUR_REACH) + np.float32(1e-4)
    return np.asarray(cv2.GaussianBlur(counted * values, (0, 0), COLOUR_REACH) / total, np.float32)


def _colour_codes(rgb: Bytes) -> npt.NDArray[np.intp]:
    lab = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)).astype(np.intp) * COLOUR_BINS // 256
    return (lab[..., 0] * COLOUR_BINS + lab[..., 1]) * COLOUR_BINS + lab[..., 2]


def _histogram(codes: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Share of each colour code, blurred a little over neighbouring ones."""
    shape = (COLOUR_BINS,) * 3
    counts = np.bincount(codes, minlength=COLOUR_BINS**3).reshape(shape).astype(np.float64)
    own, neighbour = COLOUR_BLUR
    for axis in range(3):
        lines = np.moveaxis(counts, axis, 0)
        blurred = own * lines
        blurred[1:] += neighbour * lines[:-1]
        blurred[:-1] += neighbour * lines[1:]
        counts = np.moveaxis(blurred, 0, axis)
    return counts.ravel() / max(float(counts.sum()), 1.0)


def _smooth(values: Floats) -> Floats:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), SMOOTH), np.float32)


def _ramp(values: npt.ArrayLike, low: float, high: float) -> Floats:
    """0 up to `low`, 1 from `high`, a smooth step between."""
    part = np.clip((np.asarray(values, np.float32) - low) / (high - low), 0, 1)
    return np.asarray(part * part * (3 - 2 * part), np.float32)
