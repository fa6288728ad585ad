"""All results of a batch as one ZIP, made while it is sent: no more than one picture in memory."""

import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from removal import engine, storage
from removal.models import Batch, BatchPicture

from . import register


class _Pipe:
    """What zipfile writes to and the answer takes from."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        """zipfile asks for it."""

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


def of(batch: Batch) -> Iterator[bytes]:
    """The bytes of a ZIP of the results there are, uncompressed: pictures are so already."""
    pipe = _Pipe()
    extension = engine.extension_of(engine.parse_options(batch.fields))
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for picture in batch.pictures.filter(state=BatchPicture.State.DONE):
            try:
                content = storage.get(register.file_name(picture.token, "result"))
            except FileNotFoundError:
                continue  # deleted meanwhile
            entry = zipfile.ZipInfo(name_of(picture, extension), batch.created_at.timetuple()[:6])
            archive.writestr(entry, content)
            yield pipe.take()
    yield pipe.take()


def name_of(picture: BatchPicture, extension: str) -> str:
    """The number keeps names apart, whatever the pictures were called."""
    stem = PurePosixPath(picture.name.replace("\\", "/")).stem
    kept = "".join(letter for letter in stem if letter.isprintable() and letter not in '<>:"|?*/')
    return f"{picture.number:04}-{kept[:100] or 'picture'}.{extension}"
