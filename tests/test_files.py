"""Pictures in folders: which they are, how their results are called, and that none is lost."""

import os
import stat
from pathlib import Path

import pytest

from removal import files
from removal.engine.reading import headers

from . import pictures


def found(folder: Path, **options) -> list[str]:
    return [str(path.relative_to(folder)) for path in files.found_in(folder, **options).pictures]


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


@pytest.mark.parametrize(
    "name",
    ["a.jpg", "a.JPEG", "a.jpe", "a.jfif", "a.pjpeg", "a.mpo", "a.png", "a.apng", "a.gif", "a.bmp",
     "a.dib", "a.tif", "a.TIFF", "a.webp", "a.heic", "a.heif", "a.HIF", "a.avif"],
)  # fmt: skip
def test_endings_of_every_format_are_known_in_any_case(tmp_path, name):
    put(tmp_path, name)

    assert found(tmp_path) == [name]


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"])
def test_a_file_without_an_ending_is_known_by_its_content(tmp_path, name):
    content = pictures.portrait(8, 8, name)
    (tmp_path / "picture").write_bytes(content)
    (tmp_path / "README").write_bytes(b"Read me.")

    assert headers.sniff(content) == name
    assert found(tmp_path) == ["picture"]
    assert [path.name for path in files.found_in(tmp_path).others] == ["README"]


def test_hidden_files_and_what_macos_puts_beside_them_are_passed_over(tmp_path):
    put(tmp_path, "a.jpg", ".b.jpg", "._a.jpg", ".DS_Store", ".thumbnails/c.jpg")

    assert found(tmp_path, below=True) == ["a.jpg"]
    assert files.found_in(tmp_path).others == []


def test_folders_below_are_looked_into_only_if_asked(tmp_path):
    put(tmp_path, "a.jpg", "b/c.jpg", "b/d/e.jpg", "out/f.jpg")
    (tmp_path / "b" / "round").symlink_to(tmp_path)

    assert found(tmp_path) == ["a.jpg"]
    below = found(tmp_path, below=True, without=tmp_path / "out")
    assert below == ["a.jpg", "b/c.jpg", "b/d/e.jpg"]


@pytest.mark.parametrize("stem", ["a" * 251, "a" * 300, "é" * 200, "写" * 90, "𝔸" * 70])
def test_long_names_are_cut_between_letters_and_kept_apart(tmp_path, stem):
    first, second = (files.fitting(stem + last, ".webp") for last in "xy")

    assert first != second
    for name in (first, second):
        assert name.endswith(".webp")
        assert len(os.fsencode(name)) <= 255
        files.write_whole(tmp_path / name, b"x")


def test_a_name_that_fits_is_left_as_it_is():
    assert files.fitting("a" * 251, ".png") == "a" * 251 + ".png"


def test_a_link_stays_one_and_its_target_is_written(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "real" / "result.png")

    for content in (b"first", b"second"):
        files.write_whole(link, content)

    assert link.is_symlink()
    assert (tmp_path / "real" / "result.png").read_bytes() == b"second"
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["result.png"]


def test_a_new_file_has_the_users_rights_and_a_replaced_one_keeps_its_own(tmp_path):
    path, plain = tmp_path / "a.png", tmp_path / "plain"
    plain.touch()
    files.write_whole(path, b"x")
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o640)
    files.write_whole(path, b"y")

    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    with pytest.raises(TypeError):
        files.write_whole(path, "no bytes")

    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_is_never_more_open_than_it_is_to_be(tmp_path, mode):
    """Nor, whatever the umask, less."""
    before = os.umask(0o077 if mode == 0o644 else 0)
    try:
        with files.replacing(tmp_path / "a", mode) as file:
            (part,) = tmp_path.iterdir()
            assert stat.S_IMODE(part.stat().st_mode) & ~mode == 0
            file.write(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
