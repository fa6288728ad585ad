"""What the command line reads from and writes to: every kind of file there is."""

import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from removal.engine.__main__ import main
from tests import pictures

ROOT = Path(__file__).parent.parent.parent
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def portrait() -> bytes:
    return pictures.portrait(40, 48)


@pytest.fixture
def photo(tmp_path, portrait) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(portrait)
    return path


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def started(*arguments: object, **options) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "removal.engine", *map(str, arguments)],
        cwd=ROOT, stderr=subprocess.PIPE, **options,
    )  # fmt: skip


@pytest.mark.parametrize(("source", "target"), [("-", "-"), ("/dev/stdin", "/dev/stdout")])
def test_standard_input_becomes_standard_output(portrait, source, target):
    with started(source, target, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        result, complaint = process.communicate(portrait)

    assert (process.returncode, complaint) == (0, b"")
    assert pictures.mode_and_size(result) == ("RGBA", (40, 48))


def test_standard_output_that_is_added_to_keeps_what_was_there(photo, tmp_path):
    log = tmp_path / "all"
    log.write_bytes(b"before")
    with log.open("ab") as stream, started(photo, "/dev/stdout", stdout=stream) as process:
        process.communicate()

    assert process.returncode == 0
    assert log.read_bytes().startswith(b"before" + PNG)


def test_a_reader_that_goes_away_is_told_in_one_line(photo):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as stream, started(photo, "-", stdout=stream) as process:
        _, complaint = process.communicate()

    assert process.returncode == 1
    assert complaint.decode().strip() == f"{photo}: Broken pipe."


def test_a_pipe_is_written_into_and_stays_one(photo, tmp_path):
    pipe = tmp_path / "pipe.jpg"  # its name says nothing of what goes through it
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()

    assert main([str(photo), str(pipe)]) == 0

    reader.join(60)
    assert got[0].startswith(PNG)
    assert pipe.is_fifo()


def test_a_device_is_written_into_and_stays_one(photo):
    assert main([str(photo), "/dev/null"]) == 0
    assert Path("/dev/null").is_char_device()


def test_a_full_device_is_told(photo, capsys):
    assert main([str(photo), "/dev/full"]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert Path("/dev/full").is_char_device()


def test_a_full_disk_is_told_and_leaves_nothing(photo, tmp_path, capsys):
    """As far as a process can have one of its own: no file may grow beyond 100 bytes."""
    out = tmp_path / "out"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        assert main([str(photo), str(out / "result.png")]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert "File too large" in capsys.readouterr().err
    assert names(out) == []


def test_a_link_is_followed(photo, tmp_path):
    link, real = tmp_path / "link.png", tmp_path / "elsewhere.png"
    link.symlink_to(real)

    assert main([str(photo), str(link)]) == 0

    assert link.is_symlink()
    assert real.read_bytes().startswith(PNG)


@pytest.mark.parametrize("folder", ["file/out", "/proc/none"])
def test_a_folder_that_cannot_be_made_is_told_before_the_work(photo, tmp_path, capsys, folder):
    (tmp_path / "file").touch()
    target = tmp_path / folder / "result.png"

    assert main([str(photo), str(target)]) == 1

    assert str(photo) in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told_before_the_work(
    photo, tmp_path, capsys, monkeypatch
):
    """Root may write anywhere, so the system's answer is given here."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    assert main([str(photo), str(tmp_path / "out" / "result.png")]) == 1

    assert "Nothing can be written there" in capsys.readouterr().err


def test_a_folder_of_every_kind_of_name_loses_nothing(tmp_path, portrait, capsys):
    source, target = tmp_path / "in", tmp_path / "out"
    long = "n" * 251 + ".jpg"
    kept = ["a.jpg", "a.png", "a.jpg.png", "B.jpg", "b.JPG", "DSC00012.HIF", "photo", long]
    for name in [*kept, ".hidden.jpg", "._a.jpg"]:
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_bytes(portrait)
    (source / "notes.txt").write_text("no picture")

    assert main([str(source), str(target), "--output-format", "webp"]) == 0

    results = names(target)
    assert len({name.casefold() for name in results}) == len(kept)
    assert {"a.jpg.webp", "a.png.webp", "a.jpg.png.webp", "DSC00012.webp", "photo.webp"} < {
        *results
    }
    assert "notes.txt" in capsys.readouterr().err


def test_folders_below_become_folders_below(tmp_path, portrait):
    source = tmp_path / "in"
    for name in ("a.jpg", "b/a.jpg", "b/c/a.png"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(portrait)

    assert main([str(source), str(source / "out"), "-r", "--output-format", "mask"]) == 0
    assert main([str(source), str(source / "out"), "-r", "--output-format", "mask"]) == 0

    assert names(source / "out") == ["a.png", "b/a.png", "b/c/a.png"]


@pytest.mark.parametrize(
    ("target", "words"), [("-", "OUT has to be one too"), ("file", "OUT has to be one too")]
)
def test_a_folder_needs_a_folder(tmp_path, portrait, capsys, target, words):
    (tmp_path / "a.jpg").write_bytes(portrait)
    (tmp_path / "file").touch()
    target = target if target == "-" else tmp_path / target

    with pytest.raises(SystemExit) as end:
        main([str(tmp_path), str(target)])

    assert end.value.code == 2
    assert words in capsys.readouterr().err


def test_standard_input_has_no_name_for_a_folder(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["-", str(tmp_path)])

    assert "standard input has no name" in capsys.readouterr().err
