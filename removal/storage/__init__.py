"""The only access to stored pictures: in a folder or, by settings, in a bucket.

Files that cannot be deleted now are deleted later: a periodic job removes old files without an
owner from each folder.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import BinaryIO

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from .backend import Backend

log = logging.getLogger(__name__)
LEFT_BEHIND = timedelta(minutes=10)  # longer than any request: the writer of such a file has ended


class StorageFailed(Exception):
    """The storage is full, unreachable or refuses access. The message is for the log."""


def put(name: str, content: bytes) -> None:
    """Store the bytes, atomically replacing a file of that name. Raises StorageFailed."""
    with _failing_to(f"store {name}"):
        default_storage.save(name, ContentFile(content))


def get(name: str) -> bytes:
    """Raises FileNotFoundError, StorageFailed."""
    with _failing_to(f"fetch {name}"), default_storage.open(name) as file:
        return bytes(file.read())


def opened(name: str) -> BinaryIO | None:
    """The file itself, to be sent without a copy of it; None where it does not lie on this machine.
    Raises FileNotFoundError, StorageFailed."""
    with _failing_to(f"open {name}"):
        return _backend().opened(name)


def size_of(name: str) -> int:
    """A file's size in bytes; 0 if it is missing. Raises StorageFailed."""
    try:
        with _failing_to(f"measure {name}"):
            return int(default_storage.size(name)) if default_storage.exists(name) else 0
    except FileNotFoundError:  # just deleted
        return 0


def delete(*names: str) -> None:
    """Delete those of the files that exist. Raises StorageFailed."""
    with _failing_to(f"delete {', '.join(names)}"):
        _backend().delete_all(names)


def discard(*names: str) -> None:
    """Delete the files, or leave it to the periodic job."""
    try:
        delete(*names)
    except StorageFailed as error:
        log.warning("%s. It is deleted later.", error)


def old_files(folder: str, before: datetime) -> set[str]:
    """The files of a folder written before this time. Raises StorageFailed."""
    with _failing_to(f"list {folder}"):
        found = _backend().entries(folder)
    return {f"{folder}/{name}" for name, modified in found.items() if modified < before}


def sweep(folder: str, owned: Callable[[], set[str]], now: datetime | None = None) -> int:
    """Delete the folder's old files without an owner; the number deleted. Raises StorageFailed.

    owned: called after the files are listed, so that files written meanwhile are kept.
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
    """A temporary signed URL; "" if the site serves the file itself."""
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
