"""Where pictures lie for a while: in a folder or, by settings, in a bucket. The only door to it.

What cannot be deleted now is not lost sight of: every folder's owner looks through its old files
now and then for those that nobody claims any more.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from .backend import Backend

log = logging.getLogger(__name__)
LEFT_BEHIND = timedelta(minutes=10)  # longer than any request: who wrote such a file has ended


class StorageFailed(Exception):
    """The storage is full, away, or refuses us. The message is for the log."""


def put(name: str, content: bytes) -> None:
    """Keep these bytes; what had that name before is replaced, in one step. StorageFailed."""
    with _failing_to(f"store {name}"):
        default_storage.save(name, ContentFile(content))


def get(name: str) -> bytes:
    """Raises FileNotFoundError, StorageFailed."""
    with _failing_to(f"fetch {name}"), default_storage.open(name) as file:
        return bytes(file.read())


def size_of(name: str) -> int:
    """Bytes of a file; 0 where there is none. StorageFailed."""
    try:
        with _failing_to(f"measure {name}"):
            return int(default_storage.size(name)) if default_storage.exists(name) else 0
    except FileNotFoundError:  # deleted a moment ago
        return 0


def delete(*names: str) -> None:
    """Delete what is there of these. StorageFailed."""
    with _failing_to(f"delete {', '.join(names)}"):
        _backend().delete_all(names)


def discard(*names: str) -> None:
    """Delete these, or leave it to the next look at old files."""
    try:
        delete(*names)
    except StorageFailed as error:
        log.warning("%s. It is deleted later.", error)


def old_files(folder: str, before: datetime) -> set[str]:
    """The files of a folder that were written before this time. StorageFailed."""
    with _failing_to(f"list {folder}"):
        found = _backend().entries(folder)
    return {f"{folder}/{name}" for name, modified in found.items() if modified < before}


def sweep(folder: str, owned: Callable[[], set[str]], now: datetime | None = None) -> int:
    """Delete the folder's old files that nobody owns; their number. StorageFailed.

    owned: asked after the files are listed, so that whoever came meanwhile keeps theirs.
    """
    old = old_files(folder, (now or timezone.now()) - LEFT_BEHIND)
    lost = old - owned() if old else old
    delete(*lost)
    return len(lost)


def probe() -> None:
    """Raise StorageFailed unless the storage answers; writes nothing."""
    with _failing_to("probe it"):
        _backend().probe()


def signed_address(name: str, seconds: int, media_type: str) -> str:
    """Where whoever is told may fetch the file for so long; "" where the site hands it out."""
    return _backend().signed_address(name, seconds, media_type)


@contextmanager
def _failing_to(act: str) -> Iterator[None]:
    """Make the storage's own failures one. FileNotFoundError and what is our fault stay."""
    backend = _backend()
    try:
        yield
    except FileNotFoundError:
        raise
    except backend.failures as error:
        raise StorageFailed(f"Could not {act}: {error!r}") from error


def _backend() -> Backend:
    backend: Backend = default_storage  # type: ignore[assignment]  # what STORAGES names is one
    return backend
