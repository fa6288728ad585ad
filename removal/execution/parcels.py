"""Pictures on their way between web tier and workers, through Django's storage.

Each lies there for as long as its request runs. What killed processes leave is purged.
"""

import logging
from datetime import timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from removal.errors import EngineUnavailable

log = logging.getLogger(__name__)
FOLDER = "work"
PARTS = PICTURE, BACKGROUND, RESULT = "picture", "background", "result"
LEFT_BEHIND = timedelta(minutes=10)  # longer than any request


def put(work: str, part: str, content: bytes) -> None:
    """Raises EngineUnavailable where the storage is full or away, as the service then is."""
    try:
        default_storage.save(_name(work, part), ContentFile(content))
    except Exception as error:  # each storage has errors of its own
        raise EngineUnavailable(detail=f"Could not store a {part}: {error!r}") from error


def get(work: str, part: str) -> bytes:
    """Raises EngineUnavailable."""
    try:
        with default_storage.open(_name(work, part)) as file:
            return bytes(file.read())
    except Exception as error:
        raise EngineUnavailable(detail=f"Could not fetch a {part}: {error!r}") from error


def discard(work: str) -> None:
    """Delete all parts; what cannot be deleted now is purged later."""
    for part in PARTS:
        try:
            default_storage.delete(_name(work, part))
        except Exception as error:
            log.warning("Could not delete %s, it is purged later: %r", _name(work, part), error)


def purge() -> int:
    """Delete what was left behind; the number of files."""
    try:
        _, names = default_storage.listdir(FOLDER)
    except FileNotFoundError:
        return 0
    over = [f"{FOLDER}/{name}" for name in names if _is_left_behind(f"{FOLDER}/{name}")]
    for name in over:
        default_storage.delete(name)
    return len(over)


def _is_left_behind(name: str) -> bool:
    try:
        return default_storage.get_modified_time(name) < timezone.now() - LEFT_BEHIND
    except FileNotFoundError:  # its request has just ended
        return False


def _name(work: str, part: str) -> str:
    return f"{FOLDER}/{work}-{part}"
