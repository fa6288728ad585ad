"""A caller who sends batches, and the worker, called when a test wants it to work."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import FileResponse
from django.test import override_settings

from removal.batches import runner
from tests.api.conftest import Caller, alice, bob, portrait

__all__ = ["alice", "bob", "portrait"]
BATCHES = "/api/v2/batches"


@pytest.fixture(autouse=True)
def own_storage(tmp_path: Path) -> Iterator[None]:
    with override_settings(MEDIA_ROOT=tmp_path / "media"):
        yield


def zip_of(**pictures: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in pictures.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def get(caller: Caller, path: str) -> Any:
    """The answer; a file is read to its end, which closes it."""
    answer = caller.client.get(path, HTTP_AUTHORIZATION=caller.authorization)
    if isinstance(answer, FileResponse):
        answer.streaming_content = [answer.getvalue()]
    return answer


def delete(caller: Caller, path: str) -> Any:
    return caller.client.delete(path, HTTP_AUTHORIZATION=caller.authorization)


def work_through() -> int:
    """Do all that is due; the number of pictures."""
    done = 0
    while runner.work_on_next():
        done += 1
    return done


def stored(tmp_path: Path) -> list[str]:
    folder = tmp_path / "media" / "batch-pictures"
    return sorted(path.name for path in folder.glob("*")) if folder.exists() else []
