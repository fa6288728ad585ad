"""The hashed locks hold for every Python that we support, down to Debian 12's own 3.11.2."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PYTHONS = ("3.11.2", "3.12", "3.13", "3.14")
PLATFORM = "x86_64-manylinux_2_28"
BUILT_FROM_SOURCE = {
    "requirements.txt": (),
    "requirements-dev.txt": ("pyvips",),
    "tests/clients/requirements.txt": ("removebg",),
    "benchmarks/server-requirements.txt": (),
}


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", BUILT_FROM_SOURCE)
def test_a_lock_resolves_with_hashes_and_ready_built_packages(lock, python, tmp_path):
    resolved = resolve(ROOT / lock, python, tmp_path, BUILT_FROM_SOURCE[lock])
    if "Failed to fetch" in resolved.stderr and "CI" not in os.environ:
        pytest.skip("The package registry cannot be reached")
    assert resolved.returncode == 0, resolved.stderr


def test_a_lock_that_lacks_what_one_python_needs_does_not_resolve(tmp_path):
    lock = tmp_path / "requirements.txt"
    lock.write_text(without((ROOT / "requirements.txt").read_text(), "async-timeout"))
    assert resolve(lock, "3.14", tmp_path).returncode == 0
    assert "async-timeout" in resolve(lock, "3.11.2", tmp_path).stderr


@pytest.mark.parametrize("lock", BUILT_FROM_SOURCE)
def test_a_lock_names_no_host(lock):
    assert "://" not in (ROOT / lock).read_text()


def resolve(lock: Path, python: str, folder: Path, built=()) -> subprocess.CompletedProcess:
    built_here = [option for name in built for option in ("--no-binary", name)]
    return subprocess.run(
        [Path(sys.executable).with_name("uv"), "pip", "install", "--dry-run", "--quiet",
         "--target", folder / "packages", "--python-version", python, "--python-platform", PLATFORM,
         "--require-hashes", "--only-binary", ":all:", *built_here, "--requirement", lock],
        capture_output=True, text=True,
    )  # fmt: skip


def without(lock: str, name: str) -> str:
    kept, skipping = [], False
    for line in lock.splitlines(keepends=True):
        if line[0].isalnum():
            skipping = line.startswith(f"{name}==")
        if not skipping:
            kept.append(line)
    return "".join(kept)
