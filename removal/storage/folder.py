"""Storage for one machine: a folder with files readable by the service alone."""

import errno
import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

from removal.files import replacing


class Folder(FileSystemStorage):
    failures: tuple[type[Exception], ...] = (OSError,)
    least_free = 100 * 1024 * 1024  # with less, it counts as full

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name  # names are unguessable and unique; a second write replaces the first

    def _save(self, name: str, content: File) -> str:  # type: ignore[type-arg]
        """Write atomically: to a temporary file that is then renamed."""
        path = Path(self.path(name))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replacing(path, 0o600) as file:
            for chunk in content.chunks():
                file.write(chunk)
        return name

    def delete_all(self, names: Collection[str]) -> None:
        for name in names:
            self.delete(name)

    def entries(self, folder: str) -> dict[str, datetime]:
        found = {}
        with suppress(FileNotFoundError), os.scandir(self.path(folder)) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # its owner has just deleted it
                    modified = entry.stat().st_mtime
                    found[entry.name] = datetime.fromtimestamp(modified, tz=UTC)
        return found

    def opened(self, name: str) -> BinaryIO | None:
        return Path(self.path(name)).open("rb")

    def probe(self) -> None:
        folder = Path(self.location)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} cannot be written to")
        if shutil.disk_usage(folder).free < self.least_free:
            raise OSError(errno.ENOSPC, f"Less than {self.least_free >> 20} MiB free in {folder}")

    def signed_address(self, name: str, seconds: int, media_type: str) -> str:
        return ""
