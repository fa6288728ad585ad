"""The processor's instruction sets, by which the build of a network is chosen."""

import platform
import sys
from collections.abc import Set
from pathlib import Path

# Instruction sets, as Linux names them, with which onnxruntime's 8-bit kernels beat its float ones:
# AVX2 takes 0.6 of fp32's time, the dot products of VNNI and of ARM about a third.
FAST_INT8 = frozenset(
    {"avx2", "avx_vnni", "avx512_vnni", "avx_vnni_int8", "amx_int8", "asimddp", "i8mm"}
)


def has_fast_int8(flags: Set[str]) -> bool:
    return bool(FAST_INT8 & flags)


def flags() -> frozenset[str]:
    """The instruction sets of this machine; empty where the system does not list them."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return frozenset({"asimddp"})  # every Apple chip has it
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return parse_cpuinfo(lines)


def parse_cpuinfo(lines: list[str]) -> frozenset[str]:
    """The flags of the first core; x86 calls the line "flags", ARM "Features"."""
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()
