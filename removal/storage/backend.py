"""The methods of our storages besides Django's interface."""

from collections.abc import Collection
from datetime import datetime
from typing import BinaryIO, Protocol


class Backend(Protocol):
    failures: tuple[type[Exception], ...]  # what it raises when it is full, away, or refuses us

    def delete_all(self, names: Collection[str]) -> None:
        """Delete those of the files that exist."""

    def entries(self, folder: str) -> dict[str, datetime]:
        """The names of a folder's files, with the time each was written."""

    def opened(self, name: str) -> BinaryIO | None:
        """The file itself; None where it does not lie on this machine."""

    def probe(self) -> None:
        """Raise an exception if the storage cannot be used."""

    def signed_address(self, name: str, seconds: int, media_type: str) -> str:
        """A temporary signed URL; "" if the storage has none."""
