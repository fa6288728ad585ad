"""Names that others rely on stay, whatever is rearranged inside."""

import json
import subprocess
import sys

import pytest

from tests.public_surface import ROOT

BEFORE = json.loads((ROOT / "tests" / "public_surface.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def now():
    """In a process of its own: the tests' settings differ."""
    command = [sys.executable, "-m", "tests.public_surface"]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)


@pytest.mark.parametrize("kind", BEFORE)
def test_nothing_that_was_public_is_lost(now, kind):
    assert set(BEFORE[kind]) <= set(now[kind])
