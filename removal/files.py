"""Finds, names and writes pictures in folders, for both command lines. Only the standard library,
so that the client runs anywhere.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
    part = target.with_name(f".removal-{secrets.token_hex(8)}")
    file = part.open("xb")
    try:
        with file:
            file.write(content)
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
