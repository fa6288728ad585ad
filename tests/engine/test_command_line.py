"""`python -m removal.engine` as its user runs it: exit status, files, messages."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import pictures

ROOT = Path(__file__).parent.parent.parent


def run(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "removal.engine", *map(str, arguments)],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "photos"
    made.mkdir()
    (made / "one.jpg").write_bytes(pictures.portrait())
    (made / "two.jpg").write_bytes(pictures.portrait(100, 120))
    (made / "two.png").write_bytes(pictures.portrait(50, 60, "PNG"))
    (made / "notes.txt").write_text("not a picture")
    return made


def test_a_folder_becomes_masks_of_the_inputs_sizes(folder, tmp_path):
    done = run(folder, tmp_path / "masks", "--output-format", "mask")
    assert done.returncode == 0, done.stderr
    found = {
        path.name: pictures.mode_and_size(path.read_bytes())
        for path in (tmp_path / "masks").iterdir()
    }
    assert found == {
        "one.png": ("L", (200, 240)),
        "two.jpg.png": ("L", (100, 120)),  # two inputs with one stem keep their full names
        "two.png.png": ("L", (50, 60)),
    }


def test_a_mask_has_its_photos_size_above_25_megapixels_too(tmp_path):
    photo = tmp_path / "large.jpg"
    photo.write_bytes(pictures.portrait(5010, 5000))
    assert run(photo, tmp_path / "mask.png", "--output-format", "mask").returncode == 0
    assert pictures.mode_and_size((tmp_path / "mask.png").read_bytes()) == ("L", (5010, 5000))
    smaller = run(photo, tmp_path / "small.png", "--output-format", "mask", "--max-pixels", "1000")
    assert smaller.returncode == 0
    assert pictures.mode_and_size((tmp_path / "small.png").read_bytes()) == ("L", (31, 31))


def test_a_bad_file_is_named_and_the_others_are_done(folder, tmp_path):
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    done = run(folder, tmp_path / "out")
    assert done.returncode == 1
    assert "broken.jpg" in done.stderr
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_one_file_with_options_and_the_large_network(folder, tmp_path):
    target = tmp_path / "out.webp"
    done = run(
        folder / "one.jpg", target, "--output-format", "webp", "--result-target-size", "64 64",
        "--result-crop-to-foreground", REMOVAL_MODEL="isnet",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert pictures.mode_and_size(target.read_bytes()) == ("RGBA", (64, 64))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--output-jpeg-quality", "0"], "1 to 100"),
        (["--result-margin", "wide"], "px or %"),
    ],
)
def test_wrong_options_are_refused_at_once(folder, tmp_path, arguments, words):
    done = run(folder, tmp_path / "out", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (tmp_path / "out").exists()


def test_no_picture_is_overwritten_by_its_own_cut_out(folder):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    for arguments in ((folder / "two.png", folder / "two.png"), (folder / "two.png", folder)):
        done = run(*arguments)
        assert done.returncode == 2
        assert "would overwrite" in done.stderr
    os.remove(folder / "two.jpg")  # else both keep their full names
    assert run(folder, folder).returncode == 2
    assert {path: before[path] for path in folder.iterdir()} == {
        path: path.read_bytes() for path in folder.iterdir()
    }


def test_a_name_that_belies_its_format_is_refused(folder, tmp_path):
    done = run(folder / "one.jpg", tmp_path / "out.jpg")
    assert done.returncode == 2
    assert "end in .png" in done.stderr
    named = ("--output-format", "jpeg", "--background-color", "#FFFFFF")
    assert run(folder / "one.jpg", tmp_path / "out.JPEG", *named).returncode == 0
    assert [path.name for path in tmp_path.glob("out*")] == ["out.JPEG"]


def test_missing_weights_say_what_to_run(folder, tmp_path):
    done = run(folder / "one.jpg", tmp_path / "o.png", REMOVAL_MODELS_DIR=str(tmp_path / "none"))
    assert done.returncode == 1
    assert "fetch" in done.stderr.lower() or "weights" in done.stderr
    shutil.rmtree(tmp_path / "none", ignore_errors=True)
