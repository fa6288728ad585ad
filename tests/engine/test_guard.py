"""Networks for which a machine has no memory or time are refused; heavy ones are loaded in turn."""

import itertools
import json
import multiprocessing
import time
from pathlib import Path

import onnx
import pytest

from removal.engine import ModelUnavailable
from removal.engine.networks import guard, opening, probe, ram, session
from removal.engine.networks.guard import Limits
from removal.engine.networks.ram import MIB, Memory

from .models import brightness

PLENTY = Memory(64_000, 64_000)


def machine(root: Path, files: dict[str, str]) -> Path:
    """A machine of 8 GiB with 4 GiB to be had and 1 GiB of free swap, as the kernel tells of it."""
    meminfo = "MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\nSwapFree: 1048576 kB\nOdd\n"
    for name, text in ({"proc/meminfo": meminfo} | files).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


V1 = "sys/fs/cgroup/memory"
V2 = "sys/fs/cgroup"
NONE = "9223372036854771712\n"  # version 1's way to say that there is no limit
MACHINES = {
    "no groups": ({}, Memory(8192, 5120)),
    "version 2, the limit of the group above": (
        {
            "proc/self/cgroup": "0::/app/worker\n",
            f"{V2}/app/worker/memory.max": "max\n",
            f"{V2}/app/worker/memory.current": str(100 * MIB),
            f"{V2}/app/memory.max": str(2048 * MIB),
            f"{V2}/app/memory.current": str(1500 * MIB),
            f"{V2}/app/memory.stat": f"anon 1\ninactive_file {MIB}\nactive_file {499 * MIB}",
            f"{V2}/app/memory.swap.max": "0\n",
        },
        Memory(2048, 1048, of_container=True),
    ),
    "version 2, in a container, with swap": (
        {
            "proc/self/cgroup": "0::/\n",
            f"{V2}/memory.max": str(1024 * MIB),
            f"{V2}/memory.current": str(512 * MIB),
            f"{V2}/memory.swap.max": str(300 * MIB),
            f"{V2}/memory.swap.current": str(100 * MIB),
        },
        Memory(1024, 712, of_container=True),
    ),
    "version 2, slowed down from": (
        {
            "proc/self/cgroup": "0::/app\n",
            f"{V2}/app/memory.max": "max",
            f"{V2}/app/memory.high": str(3000 * MIB),
            f"{V2}/app/memory.current": str(2000 * MIB),
            f"{V2}/app/memory.swap.max": "0",
        },
        Memory(3000, 1000, of_container=True),
    ),
    "version 1, in a container that sees the host's path": (
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/\n4:memory:/docker/abc\n1:name=systemd:/\n",
            f"{V1}/memory.limit_in_bytes": str(4096 * MIB),
            f"{V1}/memory.usage_in_bytes": str(3000 * MIB),
            f"{V1}/memory.stat": f"inactive_file 1\ntotal_inactive_file {1000 * MIB}\n",
        },
        Memory(4096, 2096, of_container=True),
    ),
    "version 1, no limit": (
        {
            "proc/self/cgroup": "4:memory:/a\n0::/\n",
            f"{V1}/a/memory.limit_in_bytes": NONE,
            f"{V1}/a/memory.usage_in_bytes": str(3000 * MIB),
        },
        Memory(8192, 5120),
    ),
    "used up": (
        {
            "proc/self/cgroup": "0::/",
            f"{V2}/memory.max": str(100 * MIB),
            f"{V2}/memory.current": str(200 * MIB),
            f"{V2}/memory.swap.max": "0",
        },
        Memory(100, 0, of_container=True),
    ),
    "damaged": (
        {"proc/self/cgroup": "\n0\n0::/../../..\n", f"{V2}/memory.max": "?"},
        Memory(8192, 5120),
    ),
}


@pytest.mark.parametrize("case", MACHINES)
def test_the_tightest_limit_and_what_is_left_of_it_count(case, tmp_path):
    files, expected = MACHINES[case]
    assert ram.read(machine(tmp_path, files)) == expected


def test_where_no_system_tells_nothing_is_refused(tmp_path, monkeypatch):
    assert ram.read(tmp_path) is None
    assert guard.lacking(10_000_000, 8, None) == ""


@pytest.fixture
def own_network(tmp_path):
    """Opens a tiny network as if its recipe said `memory_mib`, on a machine with this memory."""
    path = tmp_path / "own.onnx"
    onnx.save(brightness(), path)

    def load(memory_mib: int = 0, **limits: object) -> session.Networks:
        recipe = {"normalisation": "half", "output": "matte", "min_max": False}
        recipe |= {"memory_mib": memory_mib} if memory_mib else {}
        path.with_suffix(".json").write_text(json.dumps(recipe))
        return session.load(session.Settings(model_path=path, limits=Limits(**limits)))

    return load


def test_too_little_memory_is_refused_with_both_figures(own_network, monkeypatch, caplog):
    monkeypatch.setattr(ram, "read", lambda: Memory(4096, 4000, of_container=True))
    with pytest.raises(ModelUnavailable) as refusal:
        own_network(2774, processes=4)
    for part in (
        "own.onnx: It takes up to 2,774 MiB of memory in each of 4 slots, 11,096 MiB in all",
        "this container may use 4,096 MiB. Set REMOVAL_SLOTS=1,",
        "REMOVAL_GUARD=warn",
    ):
        assert part in str(refusal.value)
    own_network(2774, processes=1)
    with pytest.raises(ModelUnavailable, match="up to 5,000 MiB of memory, and this container"):
        own_network(5000)
    monkeypatch.setattr(ram, "read", lambda: Memory(4096, 2000))
    with pytest.raises(
        ModelUnavailable, match=r"2,\d{3} MiB .* and 2,000 MiB of 4,096 MiB are free"
    ):
        own_network(2774)
    own_network(2774, refuses=False)
    assert "2,000 MiB of 4,096 MiB are free" in caplog.text


def offered(folder: Path, loaded: int, **limits: object) -> session.Loaded:
    """With files of the sizes of the public ones."""
    for name, size in (("u2netp", 4), ("birefnet-lite", 172), ("birefnet-general", 930)):
        with (folder / f"{name}-fp32.onnx").open("wb") as stream:
            stream.truncate(size * MIB)
    names, chosen = ("birefnet-lite", "birefnet-general"), Limits(**limits)
    return session.Loaded(
        session.Settings(model="u2netp", further=names, loaded=loaded, limits=chosen)
    )


def test_networks_that_may_stay_together_are_held_against_the_memory_as_a_sum(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setenv("REMOVAL_MODELS_DIR", str(tmp_path))
    two = 4827 + 2 * 172  # the largest at work, the other at rest
    three = two + 570 - guard.PROCESS_MIB + 2 * 4  # and what u2netp keeps
    monkeypatch.setattr(ram, "read", lambda: Memory(2 * three - 1, 0))
    with pytest.raises(ModelUnavailable) as refusal:
        offered(tmp_path, 3, processes=2)
    for part in (
        "u2netp + birefnet-lite + birefnet-general, which REMOVAL_MODELS_LOADED=3 lets stay in",
        f"take up to {three:,} MiB of memory in each of 2 slots, {2 * three:,} MiB in all",
        f"this machine has {2 * three - 1:,} MiB. Set REMOVAL_SLOTS=1, give it more, or lower",
    ):
        assert part in str(refusal.value)
    offered(tmp_path, 3, processes=1)
    offered(tmp_path, 2, processes=2)
    monkeypatch.setattr(ram, "read", lambda: Memory(4826, 0))
    with pytest.raises(ModelUnavailable, match="birefnet-general of REMOVAL_MODELS takes up to"):
        offered(tmp_path, 0)  # which not even alone fits
    offered(tmp_path, 0, refuses=False)
    assert "birefnet-general of REMOVAL_MODELS takes up to 4,827 MiB" in caplog.text
    monkeypatch.setattr(ram, "read", lambda: Memory(4827, 0))
    offered(tmp_path, 0)


def test_what_no_recipe_tells_is_measured_once(own_network, monkeypatch, tmp_path):
    """The process's own peak stands for a large network's."""
    monkeypatch.setenv("REMOVAL_MODELS_DIR", str(tmp_path))
    monkeypatch.setattr(ram, "own", lambda what="VmRSS": 3000 if what == "VmHWM" else 500)
    monkeypatch.setattr(ram, "read", lambda: PLENTY)
    own_network()
    assert guard.measured(tmp_path / "own.onnx", tmp_path) == 3000 - (500 - guard.PROCESS_MIB)
    monkeypatch.setattr(ram, "read", lambda: Memory(2000, 2000))
    with pytest.raises(ModelUnavailable, match="up to 2,580 MiB"):
        own_network()
    with (tmp_path / "own.onnx").open("ab") as stream:
        stream.write(b"\0")
    assert guard.measured(tmp_path / "own.onnx", tmp_path) == 0


def test_too_slow_a_network_is_refused_with_both_figures(monkeypatch):
    clock = itertools.count(0, 41)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with pytest.raises(
        ModelUnavailable, match="A picture takes 41 s here, and the deadline is 30 s"
    ):
        guard.in_time(lambda tensor: tensor, Limits(seconds=30))(None)
    guard.in_time(lambda tensor: tensor, Limits(seconds=41))(None)
    guard.in_time(lambda tensor: tensor, Limits(seconds=30, refuses=False))(None)


def hold(folder, began, may_end):
    with guard.turn(folder, 0):
        began.set()
        may_end.wait(60)


def test_processes_take_turns(own_network, tmp_path, monkeypatch):
    monkeypatch.setenv("REMOVAL_MODELS_DIR", str(tmp_path))
    spawn = multiprocessing.get_context("spawn")
    began, may_end = spawn.Event(), spawn.Event()
    other = spawn.Process(target=hold, args=(tmp_path, began, may_end))
    other.start()
    assert began.wait(60)
    monkeypatch.setattr(guard, "TURN_SECONDS", 0.01)
    with pytest.raises(ModelUnavailable, match="Another process has been loading"):
        own_network()  # of which it is not known whether it is heavy
    own_network(guard.HEAVY_MIB - 1)  # a light one waits for none
    other.kill()  # whoever dies gives its turn back
    other.join()
    monkeypatch.setattr(guard, "TURN_SECONDS", 60)
    own_network()
    with guard.turn(tmp_path / "absent", 0):
        pass


def test_a_long_trial_is_not_repeated_until_the_file_or_its_recipe_changes(
    own_network, tmp_path, monkeypatch
):
    monkeypatch.setenv("REMOVAL_MODELS_DIR", str(tmp_path))
    monkeypatch.setattr(ram, "read", lambda: PLENTY)
    monkeypatch.setattr(opening, "LONG_TRIAL", 0)
    tried, examine = [], probe.examine
    monkeypatch.setattr(probe, "examine", lambda *given: tried.append(given) or examine(*given))
    own_network()  # what memory it takes is to be measured: it is run
    own_network()
    assert len(tried) == 2
    own_network(100)
    own_network(100)
    assert len(tried) == 3
    own_network(101)
    assert len(tried) == 4
    onnx.save(brightness(opset=16), tmp_path / "own.onnx")
    own_network(101)
    assert len(tried) == 5
    (tmp_path / opening.PASSED).write_text("[damaged")
    own_network(101)
    assert len(tried) == 6
