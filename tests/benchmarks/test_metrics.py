"""The metrics' exact values on mattes small enough to reckon by hand."""

import math

import numpy as np
import pytest

from benchmarks import metrics


def square(value: float = 1.0) -> np.ndarray:
    """40 x 40, a 20 x 20 foreground in the middle."""
    matte = np.zeros((40, 40), np.float32)
    matte[10:30, 10:30] = value
    return matte


@pytest.mark.parametrize("metric", [metrics.mae, metrics.sadt, metrics.grad])
def test_the_truth_itself_has_no_error(metric):
    assert metric(square(), square()) == 0


@pytest.mark.parametrize("metric", [metrics.iou, metrics.max_f])
def test_the_truth_itself_has_full_marks(metric):
    assert metric(square(), square()) == pytest.approx(1)


def test_mae_is_the_mean_over_the_frame():
    assert metrics.mae(square(0.5), square()) == pytest.approx(0.5 * 400 / 1600)


def test_sadt_leaves_out_what_is_far_from_an_edge():
    wrong_inside, wrong_at_the_edge = square(), square()
    wrong_inside[19:21, 19:21] = 0
    wrong_at_the_edge[10, 10:20] = 0

    assert metrics.sadt(wrong_inside, square()) == 0
    assert metrics.sadt(wrong_at_the_edge, square()) == pytest.approx(10 / 1000)


def test_grad_grows_with_the_blur_of_an_edge():
    ramp = np.linspace(0, 1, 40, dtype=np.float32)[None].repeat(40, 0)
    step = (ramp > 0.5).astype(np.float32)

    assert 0 < metrics.grad((step + ramp) / 2, step) < metrics.grad(ramp, step)


def test_iou_of_half_a_square():
    half = square()
    half[20:] = 0

    assert metrics.iou(half, square()) == 0.5
    assert metrics.iou(np.zeros_like(half), np.zeros_like(half)) == 1


def test_max_f_takes_the_best_threshold():
    found = square(0.6)
    found[0] = 0.3  # false, but fainter

    assert metrics.max_f(found, square()) == pytest.approx(1)


def test_max_f_of_half_a_square():
    half = square()
    half[20:] = 0

    # Precision 1, recall 1/2; at level 0, where all is foreground, precision 1/4, recall 1.
    assert metrics.max_f(half, square()) == pytest.approx(1.3 * 0.5 / (0.3 + 0.5))


def test_max_f_is_not_defined_for_soft_or_empty_truths():
    assert math.isnan(metrics.max_f(square(), square(0.5)))
    assert math.isnan(metrics.max_f(square(), np.zeros((40, 40), np.float32)))
