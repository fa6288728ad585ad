"""Streams all results of a batch as one ZIP, with only one picture in memory."""

import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from removal import engine
from removal.models import Batch, BatchPicture

from . import register


class _Pipe:
    """A buffer that zipfile writes to and the response reads from."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Required by zipfile."""

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


def of(batch: Batch) -> Iterator[bytes]:
    """A ZIP of the finished results, uncompressed, as pictures are compressed already."""
    pipe = _Pipe()
    extension = engine.extension_of(engine.parse_options(batch.fields))
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for picture in batch.pictures.filter(state=BatchPicture.State.DONE):
            try:
                content = register.result_of(picture)
            except FileNotFoundError:
                continue  # deleted meanwhile
            entry = zipfile.ZipInfo(name_of(picture, extension), batch.created_at.timetuple()[:6])
            archive.writestr(entry, content)
            yield pipe.take()
    yield pipe.take()


def name_of(picture: BatchPicture, extension: str) -> str:
    """A unique name: the number, followed by the picture's own name."""
    stem = PurePosixPath(picture.name.replace("\\", "/")).stem
    kept = "".join(letter for letter in stem if letter.isprintable() and letter not in '<>:"|?*/')
    return f"{picture.number:04}-{kept[:100] or 'picture'}.{extension}"
