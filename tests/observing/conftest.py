"""The log as the operator's machine reads it."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from pixian_site import logs


class Log(io.StringIO):
    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == "request"]


@pytest.fixture
def log() -> Iterator[Log]:
    """All that LOG_FORMAT=json writes, from DEBUG on."""
    stream, root = Log(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.formatter("json"))
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(level)
    root.removeHandler(handler)
