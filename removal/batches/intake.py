"""Pictures out of what a caller uploads: files, and ZIP files, of which nothing is trusted."""

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
# Parts of a ZIP, folders and what systems add among them. Each has this mark in the list at the
# end, which Python reads whole, for half a KiB of memory each, before it tells how many there are.
MOST_PARTS, PART = 10_000, b"PK\x01\x02"
# What senders' systems make. Others ask for memory as the file says, before anything is unpacked.
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# A picture hardly shrinks in a ZIP: one that grows more than this is made to fill our disk.
MOST_GROWTH = 50
# What Python's reader raises on files that are broken in one way or another.
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
    """The files of a ZIP one after another, at most `room` of them; folders and what systems put
    beside pictures (__MACOSX, .DS_Store) are passed over.

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
        raise UnreadableZip("The ZIP file is compressed in a rare way. Use Deflate, or none.")
    if sum(entry.file_size for entry in entries) > MOST_GROWTH * packed:
        raise UnreadableZip(f"The ZIP file grows more than {MOST_GROWTH} times when unpacked.")


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    """Never trusts the size that the entry claims."""
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
