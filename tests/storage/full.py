"""A folder on a disk that is full, which the tests' machine can't be made to have."""

import errno
import os
from collections.abc import Iterator

from django.core.files.base import ContentFile, File

from removal.storage.folder import Folder


class Endless(ContentFile):
    """Its first bytes find room, its last do not."""

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        yield b"first bytes"
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FullFolder(Folder):
    least_free = 2**60

    def _save(self, name: str, content: File) -> str:
        return super()._save(name, Endless(b""))
