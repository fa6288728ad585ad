"""The modes' comparison, on a made set."""

import csv
import math

import numpy as np
import pytest
from PIL import Image

from benchmarks import metrics, modes, quality


@pytest.fixture
def made_set(tmp_path):
    """Three red squares on grey, with their true mattes."""
    rows = []
    for number in range(3):
        truth = np.zeros((120, 160), np.uint8)
        truth[30:90, 40 + number * 10 : 110] = 255
        photo = np.full((120, 160, 3), 200, np.uint8)
        photo[truth > 0] = (200, 40, 40)
        Image.fromarray(photo).save(tmp_path / f"{number}.png")
        Image.fromarray(truth).save(tmp_path / f"{number}-truth.png")
        rows.append((number, f"{number}.png", f"{number}-truth.png", "square"))
    with (tmp_path / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("id", "image", "gt", "category"), *rows])
    return tmp_path


def test_prints_every_mode_of_every_category(made_set, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["quality", "modes", str(made_set)])
    assert quality.main() == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    shown = {(row[0], row[2]) for row in rows if row[1] == "3"}
    assert shown == {(name, mode) for name in ("square", "all") for mode in modes.MODES}


def test_the_interval_is_over_pairs():
    low, high = modes.bootstrap(np.array([-0.02, -0.01, -0.03, math.nan]))
    assert -0.03 <= low < -0.02 < high <= -0.01


def test_two_pictures_give_no_interval():
    assert all(map(math.isnan, modes.bootstrap(np.array([0.1, 0.2, math.nan]))))


def test_a_holes_alpha_is_the_mean_within_it():
    truth = np.ones((40, 40), np.float32)
    truth[:, :5] = 0
    truth[10:20, 15:25] = 0
    found = truth.copy()
    found[10:15, 15:25] = 1
    assert metrics.hole_alpha(found, truth) == pytest.approx(0.5)


def test_background_at_the_border_is_no_hole():
    truth = np.ones((40, 40), np.float32)
    truth[:10] = 0
    assert math.isnan(metrics.hole_alpha(truth, truth))
