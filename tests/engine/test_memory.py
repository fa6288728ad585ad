"""Memory is given back where the system has a way to, and nothing breaks where it has none."""

import ctypes

import numpy as np
import pytest

from removal.engine import memory


@pytest.fixture(autouse=True)
def look_again():
    memory._glibc.cache_clear()
    yield
    memory._glibc.cache_clear()


def resident_pages() -> int:
    with open("/proc/self/statm") as status:
        return int(status.read().split()[1])


def test_freed_blocks_go_back_to_the_system():
    if memory._glibc() is None:
        pytest.skip("this system has no glibc")
    blocks = [np.ones(8_000) for _ in range(4_000)]  # 64 kB each: below what is mapped singly
    kept = blocks[-1]
    del blocks
    before = resident_pages()
    memory.trim()
    assert resident_pages() < before
    assert kept.sum() == 8_000


def test_without_glibc_nothing_happens(monkeypatch):
    def absent(name: object) -> ctypes.CDLL:
        raise OSError("no dynamic linker")

    monkeypatch.setattr(ctypes, "CDLL", absent)
    memory.share_arenas()
    memory.trim()
