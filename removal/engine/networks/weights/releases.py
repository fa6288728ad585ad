"""Fetches published files from addresses of their own: resumed, bounded, checked before use."""

from __future__ import annotations

import hashlib
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from removal.engine.errors import ModelUnavailable

from ...environment import Environment
from ..catalog import Model, Release
from .progress import Progress

CHUNK = 1024 * 1024
SECONDS = 60  # of silence
TRIES = 5  # of an address, each from where the last one ended


class NotFetched(Exception):
    """Why an address gave no file; the next one may."""


class Cut(NotFetched):
    """The connection ended early: the rest can be had."""


def fetch(model: Model, release: Release, folder: Path, report: Progress) -> Path:
    """The published file, in `folder`, with the recorded size and SHA-256.

    What has arrived stays in `folder` for another try. ModelUnavailable names each address and
    what was wrong with it; OSError where it cannot be stored.
    """
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{model.name}.part"
    free, there = shutil.disk_usage(folder).free, part.stat().st_size if part.exists() else 0
    if free < release.bytes - there:
        raise ModelUnavailable(
            f"{model.name} takes {release.bytes:,} bytes, and {free:,} are free in {folder}."
        )
    wrong = []
    for address in addresses(model, release):
        try:
            _fetch(address, model, release, part, report)
            return part
        except NotFetched as error:
            wrong.append(f"{address}: {error}")
    raise ModelUnavailable(
        f"{model.name} could not be fetched. {'; '.join(wrong)}. Try again, name a mirror in "
        f"REMOVAL_MODELS_MIRROR, or bring the file: `manage.py fetch_models {model.name} --from "
        "FILE`."
    )


def addresses(model: Model, release: Release) -> tuple[str, ...]:
    """REMOVAL_MODELS_MIRROR/NAME.onnx alone, where a mirror is set."""
    mirror = Environment().text("REMOVAL_MODELS_MIRROR")
    if not mirror:
        return release.addresses
    if urlsplit(mirror).scheme not in ("http", "https"):
        raise ModelUnavailable(f"REMOVAL_MODELS_MIRROR={mirror[:200]!r} is no http(s) address.")
    return (f"{mirror.rstrip('/')}/{model.name}.onnx",)


def copy(file: Path, model: Model, target: IO[bytes]) -> None:
    """The published file from `file`, hashed as it passes. ModelUnavailable where it is another."""
    size = file.stat().st_size
    if isinstance(model.source, Release) and size != model.source.bytes:
        raise ModelUnavailable(
            f"{file} has {size:,} bytes, recorded for {model.name} are {model.source.bytes:,}."
        )
    digest = hashlib.sha256()
    with file.open("rb") as source:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            target.write(chunk)
    _require(digest.hexdigest(), model, str(file))


def _require(found: str, model: Model, what: str) -> None:
    if found != model.sha256:
        raise ModelUnavailable(
            f"{what} has SHA-256 {found}, recorded for {model.name} is {model.sha256}."
        )


def _fetch(address: str, model: Model, release: Release, part: Path, report: Progress) -> None:
    for left in reversed(range(TRIES)):
        before = part.stat().st_size if part.exists() else 0
        try:
            if before < release.bytes:
                _append(address, release.bytes, part, lambda done: report(
                    f"Fetching {model.name}", done / release.bytes
                ))  # fmt: skip
            break
        except Cut as error:
            if not left or part.stat().st_size == before:
                raise NotFetched(f"{error}; what has arrived is kept") from error
    with part.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    try:
        _require(found, model, "It")
    except ModelUnavailable as error:
        part.unlink()
        raise NotFetched(str(error)) from error


def _append(address: str, size: int, part: Path, report: Callable[[int], None]) -> None:
    """Continue `part` up to `size` bytes."""
    start = part.stat().st_size if part.exists() else 0
    with _answer(address, start) as answer:
        if answer.status != 206:
            start = 0  # the server sends all of it again
        elif not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            raise NotFetched("the server answers with another part than was asked for")
        if answer.headers.get_content_type() == "text/html":
            raise NotFetched("the server sends a web page in place of the file")
        length = answer.headers.get("Content-Length", "")
        if length.isdigit() and start + int(length) != size:
            raise NotFetched(f"the server offers {start + int(length):,} bytes, not {size:,}")
        with part.open("r+b" if start else "wb") as stream:
            stream.seek(start)
            done = start
            while done < size and (chunk := _read(answer, min(CHUNK, size - done))):
                stream.write(chunk)
                done += len(chunk)
                report(done)
            stream.flush()
            os.fsync(stream.fileno())
    if done < size:
        raise Cut(f"the connection ended after {done:,} of {size:,} bytes")


@contextmanager
def _answer(address: str, start: int) -> Iterator[HTTPResponse]:
    headers = {"User-Agent": "background-removal-setup", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 (the catalogue's, or http(s))
    try:
        answer = urllib.request.urlopen(request, timeout=SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        raise NotFetched(f"status {error.code}") from error
    except (OSError, HTTPException) as error:
        raise NotFetched(str(error)) from error
    with answer:
        yield answer


def _read(answer: HTTPResponse, size: int) -> bytes:
    """The next bytes; b"" at the end, also where the connection breaks."""
    try:
        return answer.read(size)
    except (OSError, HTTPException):
        return b""
