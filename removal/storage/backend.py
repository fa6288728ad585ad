"""What our storages can do besides Django's own interface."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol


class Backend(Protocol):
    failures: tuple[type[Exception], ...]  # what it raises when it is full, away, or refuses us

    def delete_all(self, names: Collection[str]) -> None:
        """Delete what is there of these."""

    def entries(self, folder: str) -> dict[str, datetime]:
        """The files of one folder, by their names in it, and when each was written."""

    def probe(self) -> None:
        """Raise whatever keeps the storage from being used."""

    def signed_address(self, name: str, seconds: int, media_type: str) -> str:
        """Where the file can be fetched without us for so long; "" where it can't."""
