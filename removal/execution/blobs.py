"""Passes pictures between web tier and workers through the storage.

Each is stored for as long as its request runs. Files of killed processes are purged. A job that
names its own files (Job.files) has its picture there already, and its result stays there.
"""

from removal import storage
from removal.errors import EngineUnavailable
from removal.storage import StorageFailed

from .job import Files

FOLDER = "work"


def files_of(work: str) -> Files:
    """The files of a job that names none."""
    return Files(f"{FOLDER}/{work}-picture", f"{FOLDER}/{work}-result")


def beside_of(work: str) -> str:
    """The file for Job.beside."""
    return f"{FOLDER}/{work}-background"


def put(name: str, content: bytes) -> None:
    """Raises EngineUnavailable if the storage is full or unreachable."""
    try:
        storage.put(name, content)
    except StorageFailed as error:
        raise EngineUnavailable(detail=str(error)) from error


def get(name: str) -> bytes:
    """Raises EngineUnavailable."""
    try:
        return storage.get(name)
    except (StorageFailed, FileNotFoundError) as error:
        raise EngineUnavailable(detail=str(error)) from error


def purge() -> int:
    """Delete orphaned files; the number deleted."""
    return storage.sweep(FOLDER, set)
