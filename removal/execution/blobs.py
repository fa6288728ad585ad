"""Pictures on their way between web tier and workers, through the storage.

Each lies there for as long as its request runs. What killed processes leave is purged.
"""

from removal import storage
from removal.errors import EngineUnavailable
from removal.storage import StorageFailed

FOLDER = "work"
PARTS = PICTURE, BACKGROUND, RESULT = "picture", "background", "result"


def put(work: str, part: str, content: bytes) -> None:
    """Raises EngineUnavailable where the storage is full or away, as the service then is."""
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
    """Delete all parts; what cannot be deleted now is purged later."""
    storage.discard(*(_name(work, part) for part in PARTS))


def purge() -> int:
    """Delete what was left behind; the number of files."""
    return storage.sweep(FOLDER, set)


def _name(work: str, part: str) -> str:
    return f"{FOLDER}/{work}-{part}"
