"""Spools long bodies and responses to the temporary folder.

If the folder is full, too small or not writable, a request is refused without breaking the
connection: the rest of its body is read and discarded, so that the client gets the refusal. A
response is kept in memory instead.
"""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import waitress.channel
import waitress.parser
from django.conf import settings
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from waitress.buffers import BytesIOBasedBuffer, FileBasedBuffer, OverflowableBuffer

log = logging.getLogger(__name__)
LEAST_FREE = 64 * 1024 * 1024  # one of the largest photos, as received and as parsed
FAILED_SECONDS = 30  # how long a failure counts: free space does not show a quota
NO_ROOM = (
    "There is no room for uploads in the temporary folder (FILE_UPLOAD_TEMP_DIR, else TMPDIR)."
)
_failed_at = -float("inf")


def install() -> None:
    """Make waitress spool with these classes: it has no setting for them, nor for the folder."""
    waitress.parser.OverflowableBuffer = Body
    waitress.channel.OverflowableBuffer = Answer


def folder() -> Path:
    return Path(settings.FILE_UPLOAD_TEMP_DIR or tempfile.gettempdir())


def why_not_ready() -> str:
    """NO_ROOM if a long body could not be stored, otherwise ''."""
    try:
        has_room = shutil.disk_usage(folder()).free >= LEAST_FREE
        may_write = os.access(folder(), os.W_OK | os.X_OK)
    except OSError:
        return NO_ROOM
    has_failed = time.monotonic() < _failed_at + FAILED_SECONDS
    return "" if has_room and may_write and not has_failed else NO_ROOM


def note_failure(error: OSError) -> None:
    global _failed_at
    _failed_at = time.monotonic()
    log.error("The temporary folder %s can't be used: %s", folder(), error)


class UploadHandler(TemporaryFileUploadHandler):
    """Django's temporary upload files; failures are reported by /readyz too."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        with _noted():
            super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        with _noted():
            super().receive_data_chunk(raw_data, start)
            self.file.flush()  # otherwise its last write fails later, outside any error handling


@contextmanager
def _noted() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        note_failure(error)
        raise


class SpoolFile(FileBasedBuffer):  # type: ignore[misc]
    """An unnamed file. A failed append leaves it unchanged."""

    def __init__(self, from_buffer: FileBasedBuffer | None = None) -> None:
        self.file = tempfile.TemporaryFile("w+b", buffering=0, dir=folder())  # noqa: SIM115
        if from_buffer is not None:
            try:
                self.append(from_buffer.get())
            except BaseException:
                self.file.close()
                raise

    def append(self, data: bytes) -> None:
        view, end = memoryview(data), self.file.tell() + self.remain
        while view:
            written = os.pwrite(self.file.fileno(), view, end)
            view, end = view[written:], end + written
        self.remain += len(data)

    def prune(self) -> None:
        """Disk space is freed with the file, not while reading."""


class Spool(OverflowableBuffer):  # type: ignore[misc]
    """A buffer in memory, and in a file from `overflow` bytes on."""

    buf: Any  # a FileBasedBuffer once it is longer than a few bytes

    def _set_large_buffer(self) -> None:
        small, self.buf = self.buf, SpoolFile(self.buf)
        self.overflowed = True
        if small is not None:
            small.close()


class Body(Spool):
    """A request body. `failed`: it could not be stored and is discarded."""

    failed = False

    def append(self, data: bytes) -> None:
        if self.failed:
            return
        try:
            super().append(data)
        except OSError as error:
            note_failure(error)
            self.failed = True
            self.close()
            self.buf, self.strbuf = None, b""

    def getfile(self) -> object:
        return BytesIO() if self.failed else super().getfile()


class Answer(Spool):
    """A response: it is too valuable to lose, so memory takes what the folder cannot."""

    def append(self, data: bytes) -> None:
        try:
            super().append(data)
        except OSError as error:
            note_failure(error)
            self.overflow = float("inf")
            if self.overflowed:  # otherwise it is in memory already
                self._to_memory(data)

    def _to_memory(self, data: bytes) -> None:
        file, self.buf = self.buf, BytesIOBasedBuffer()
        self.overflowed = False
        for part in (file.get(file.remain), data):
            self.buf.append(part)
        file.close()
