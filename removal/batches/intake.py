"""Reads pictures from uploaded files and untrusted ZIP files."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.conf import settings

from removal.errors import BatchTooLarge, TooManyBytes, UnreadableZip

from . import zip_names

CHUNK = 1 << 16
# The most entries of a ZIP, including folders and system files. Each has this signature in the
# central directory, which Python reads whole, with half a KiB of memory for each entry.
MOST_PARTS, PART = 10_000, b"PK\x01\x02"
# The usual methods. Others allocate memory as the file says, before anything is unpacked.
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# Pictures hardly shrink in a ZIP: an entry that grows more than this is a ZIP bomb.
MOST_GROWTH = 50
# The exceptions of Python's reader on broken files.
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    content: bytes


def pictures_of_zip(content: bytes, room: int) -> Iterator[Upload]:
    """The files of a ZIP one by one, at most `room`; folders and system files (__MACOSX,
    .DS_Store) are skipped.

    Raises UnreadableZip, BatchTooLarge, TooManyBytes.
    """
    if content.count(PART) > MOST_PARTS:
        raise BatchTooLarge(settings.REMOVAL_BATCH_PICTURES)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            listed = archive.infolist()
            named = zip(listed, zip_names.names_of(listed), strict=True)
            pictures = [(entry, path) for entry, path in named if _is_picture(path)]
            _check([entry for entry, _ in pictures], len(content), room)
            for entry, path in pictures:
                name = PurePosixPath(path).name
                yield Upload(name, _unpacked(archive, entry, name))
    except UNREADABLE as error:
        raise UnreadableZip(f"The ZIP file can't be read: {error}.") from error


def _is_picture(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return not name.endswith("/") and not hidden


def _check(entries: list[zipfile.ZipInfo], packed: int, room: int) -> None:
    if not entries:
        raise UnreadableZip("The ZIP file holds no files.")
    if len(entries) > room:
        raise BatchTooLarge(room)
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableZip("The ZIP file is encrypted. Send one without a password.")
    if any(entry.compress_type not in METHODS for entry in entries):
        raise UnreadableZip("The ZIP file uses an unsupported compression. Use Deflate, or none.")
    if sum(entry.file_size for entry in entries) > MOST_GROWTH * packed:
        raise UnreadableZip(f"The ZIP file grows more than {MOST_GROWTH} times when unpacked.")


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    """Read an entry without trusting its declared size."""
    limit = settings.REMOVAL_MAX_UPLOAD_BYTES
    content = bytearray()
    with archive.open(entry) as file:
        while chunk := file.read(CHUNK):
            content += chunk
            if len(content) > limit:
                raise TooManyBytes(
                    f"{name[:80]!r} in the ZIP file is too large; an image may have up to "
                    f"{limit:,} bytes."
                )
    return bytes(content)
