"""Makes solid what the main network leaves half transparent inside a subject, or misses of it.

Two kinds of evidence, both only ever raise the matte:

- colour: a wide half-transparent area none of whose colours the background has is a solid that the
  network doubts. Through true glass, smoke and hair the background shows;
- a second network, where there is one, which sees the picture coarsely and is certain there. It is
  not believed at its own edges, in narrow gaps that the main network draws dark, nor for things
  that the main network does not see at all; and less where the colours are the background's.

All of it happens in a frame of FRAME x FRAME; radii below are pixels of that frame.
"""

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

FRAME = 320
CERTAIN = (0.80, 0.98)  # values of the second matte from "not believed" to "believed"
EDGE = 5  # side of the square by which the second matte is eroded: its edges are coarse
GAP_WIDTH = 13  # gaps narrower than this are closed to find them
GAP_DEPTH = (0.3, 0.7)  # how much darker than its surroundings a gap is
SEEN = 0.3  # the main network sees something where its matte is above this
SEEN_SHARE = 0.05  # of a component that the second network adds
SUBJECT_SHARE = 0.02  # of the frame: below it the main network may have missed the subject itself
SMOOTH = 1.2  # sigma: the addition gets soft edges
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


def lift(matte: Floats, rgb: Bytes, second: Floats | None = None) -> Floats:
    """Raise `matte` where the subject is solid.

    matte: float32 (h, w), 0..1. rgb: uint8 (FRAME, FRAME, 3), the photo stretched to that frame.
    second: float32 (FRAME, FRAME), the second network's matte. Returns float32 (h, w), nowhere
    below `matte`.
    """
    main = np.asarray(cv2.resize(matte, (FRAME, FRAME), interpolation=cv2.INTER_AREA), np.float32)
    background = background_share(rgb, main, main if second is None else second)
    raised = _smooth(_doubted_solids(main, background))
    if second is not None:
        raised = np.maximum(raised, _second_opinion(main, second, background))
    addition = cv2.resize(raised, matte.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(matte + addition * (1 - matte), np.float32)


def background_share(rgb: Bytes, main: Floats, second: Floats) -> Floats:
    """How much each pixel's colour is the background's: 0 only the subject has it, 1 only the
    background; 0 for colours that neither surely has. Same shape as `main`."""
    codes = _colour_codes(rgb)
    subject = _histogram(codes[(main > 0.95) & (second > 0.5)])
    background = _histogram(codes[(main < 0.05) & (second < 0.1)])
    share = background / (subject + background + 1e-9)
    return np.asarray(share[codes], np.float32)


def _second_opinion(main: Floats, second: Floats, background: Floats) -> Floats:
    believed = _ramp(cv2.erode(second, np.ones((EDGE, EDGE), np.uint8)), *CERTAIN)
    believed *= 1 - cv2.dilate(_narrow_gaps(main), np.ones((3, 3), np.uint8))
    if (main > 0.5).mean() > SUBJECT_SHARE:
        believed *= _seen_components(believed, main)
    believed = _smooth(believed)
    likeness = _ramp(_area_mean(background, believed * (1 - main)), *BACKGROUND_LIKE)
    return np.asarray(believed * (1 - DISTRUST * likeness), np.float32)


def _narrow_gaps(main: Floats) -> Floats:
    """1 in dark gaps between bright parts: between fingers, legs, spokes."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (GAP_WIDTH, GAP_WIDTH))
    closed = np.asarray(cv2.morphologyEx(main, cv2.MORPH_CLOSE, disc))
    return _ramp(closed - main, *GAP_DEPTH) * _ramp(0.35 - main, 0, 0.25)


def _seen_components(believed: Floats, main: Floats) -> Floats:
    """0 on components of which the main network sees next to nothing, else 1."""
    seen = main > SEEN
    count, labels = cv2.connectedComponents(((believed > SEEN) | seen).astype(np.uint8))
    flat = labels.ravel()
    share = np.bincount(flat, seen.ravel(), count) / np.bincount(flat, minlength=count)
    keep = (share >= SEEN_SHARE).astype(np.float32)
    keep[0] = 1
    return np.asarray(keep[labels], np.float32)


def _doubted_solids(main: Floats, background: Floats) -> Floats:
    doubted = ((main > DOUBT[0]) & (main < DOUBT[1])).astype(np.float32)
    square = np.ones((DOUBT_WIDTH, DOUBT_WIDTH), np.uint8)
    wide = np.asarray(cv2.morphologyEx(doubted, cv2.MORPH_OPEN, square), np.float32)
    blurred = cv2.GaussianBlur(background * wide, (0, 0), DOUBT_REACH)
    share = blurred / (cv2.GaussianBlur(wide, (0, 0), DOUBT_REACH) + np.float32(1e-3))
    return wide * (1 - _ramp(share, *FOREIGN)) * _ramp(main, *DOUBT_RAISED)


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
