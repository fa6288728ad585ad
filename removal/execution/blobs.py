"""Passes pictures between web tier and workers through the storage.

Each is stored for as long as its request runs. Files of killed processes are purged.
"""

from removal import storage
from removal.errors import EngineUnavailable
from removal.storage import StorageFailed

FOLDER = "work"
PARTS = PICTURE, BESIDE, RESULT = "picture", "background", "result"


def put(work: str, part: str, content: bytes) -> None:
    """Raises EngineUnavailable if the storage is full or unreachable."""
    try:
        storage.put(_name(work, part), content)
    except StorageFailed as error:
        raise EngineUnavailable(detail=str(error)) from error


def get(work: str, part: str) -> bytes:
    """Raises EngineUnavailable."""
    try:
        return storage.get(_name(work, part))
    except (StorageFailed, FileNotFoundError) as error:
        raise EngineUnavailable(detail=str(error)) from error


def discard(work: str) -> None:
    """Delete all parts; those that cannot be deleted now are purged later."""
    storage.discard(*(_name(work, part) for part in PARTS))


def purge() -> int:
    """Delete orphaned files; the number deleted."""
    return storage.sweep(FOLDER, set)


def _name(work: str, part: str) -> str:
    return f"{FOLDER}/{work}-{part}"
