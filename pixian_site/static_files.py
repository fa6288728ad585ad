"""Collects static files before the site is served, unless they are collected already.

Hashing and compressing them takes several seconds, and they change only when the code does.
"""

import hashlib
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.files.storage import Storage
from django.core.management import call_command

STAMP = ".collected"  # in STATIC_ROOT: what the files there were made from


def collect() -> None:
    """Raises OSError where the files cannot be written."""
    wanted, stamp = _sources(), settings.STATIC_ROOT / STAMP
    with suppress(OSError):
        if stamp.read_text() == wanted:
            return
    stamp.unlink(missing_ok=True)  # what is interrupted now counts as nothing
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(wanted)


def _sources() -> str:
    """A digest of all source files' names, sizes and times, and of how they are stored."""
    digest = hashlib.sha256(repr((settings.STORAGES["staticfiles"], settings.STATIC_URL)).encode())
    for finder in get_finders():
        for path, storage in sorted(finder.list([]), key=lambda found: found[0]):
            digest.update(repr((path, *_state(storage, path))).encode())
    return digest.hexdigest()


def _state(storage: Storage, path: str) -> tuple[int, int]:
    status = Path(storage.path(path)).stat()
    return status.st_size, status.st_mtime_ns
