"""Finds, names and writes pictures in folders, for both command lines. Only the standard library,
so that the client runs anywhere.
"""

import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# The extensions of every supported format, as written by cameras, browsers and Windows.
ENDINGS = frozenset(
    {
        ".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".pjp", ".mpo", ".png", ".apng", ".gif",
        ".bmp", ".dib", ".tif", ".tiff", ".webp", ".heic", ".heif", ".hif", ".avif",
    }
)  # fmt: skip
# (offset, bytes) that identify a file without an extension. The decoder decides in the end.
_SIGNATURES = (
    (0, b"\xff\xd8\xff"), (0, b"\x89PNG\r\n\x1a\n"), (0, b"GIF8"), (0, b"BM"), (0, b"II*\0"),
    (0, b"MM\0*"), (0, b"II+\0"), (0, b"MM\0+"), (8, b"WEBP"), (4, b"ftyp"),
)  # fmt: skip
_MOST_BYTES = 255  # of a file name, on all usual systems


@dataclass(frozen=True, slots=True)
class Found:
    """`others` counts the files that are not pictures by name, without hidden ones."""

    pictures: list[Path]
    others: list[Path]


def found_in(folder: Path, *, below: bool = False, without: Path | None = None) -> Found:
    """The pictures in a folder and, if asked for, in the folders `below`; none `without`."""
    found = Found([], [])
    for path in _files(folder, below, without.resolve() if without else None):
        (found.pictures if is_picture(path) else found.others).append(path)
    return found


def is_picture(path: Path) -> bool:
    """By its extension or, without one, by its first bytes."""
    if path.suffix:
        return path.suffix.lower() in ENDINGS
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return False
    return any(head.startswith(mark, at) for at, mark in _SIGNATURES)


def _files(folder: Path, below: bool, without: Path | None) -> Iterator[Path]:
    """Regular files that are not hidden (.name, and ._name of macOS). Links to folders are not
    followed: they may form a loop."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_file():
            yield path
        elif below and path.is_dir() and not path.is_symlink() and path.resolve() != without:
            yield from _files(path, below, without)


def fitting(stem: str, ending: str) -> str:
    """`stem` + `ending` as a valid file name. A long stem is cut, and a digest of the whole stem
    distinguishes it from others with the same beginning."""
    if len(os.fsencode(stem + ending)) <= _MOST_BYTES:
        return stem + ending
    tail = f"~{hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]}{ending}"
    room = _MOST_BYTES - len(os.fsencode(tail))
    return os.fsencode(stem)[:room].decode(errors="ignore") + tail


def write_whole(path: Path, content: bytes) -> None:
    """Write the file atomically. A symbolic link is followed and stays one; raises OSError."""
    target = Path(os.path.realpath(path))
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    with replacing(target, mode) as file:
        file.write(content)


@contextmanager
def replacing(
    path: Path, mode: int | None = None, folder: Path | None = None
) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of `path` in one step when the block ends well; else
    nothing is left of it. Raises OSError.

    mode: its permissions; by default what the system gives new files.
    folder: where it lies until then, on the same disk; by default beside `path`.
    """
    part = (folder or path.parent) / f".removal-{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(part, flags, 0o666 if mode is None else mode), "wb")
    try:
        with file:
            yield file
        if mode is not None:
            part.chmod(mode)  # what the umask took away
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
