"""Which build of a network suits a processor: a table of instruction sets, and a pure rule."""

import platform
import subprocess
import sys
from collections.abc import Set
from pathlib import Path

# Dot products of 8-bit numbers in one instruction, without overflow: int8 then takes about a
# third of the time of fp32.
DOT_PRODUCTS = frozenset(
    {"avx512_vnni", "avx_vnni", "avx_vnni_int8", "amx_int8", "asimddp", "dotprod", "i8mm"}
)


def has_dot_products(flags: Set[str]) -> bool:
    """flags: names as Linux lists them, x86 or ARM."""
    return bool(DOT_PRODUCTS & flags)


def flags() -> frozenset[str]:
    """The instruction sets of this machine; empty where it does not tell."""
    if sys.platform == "darwin":
        return _apple_flags()
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


def _apple_flags() -> frozenset[str]:
    if platform.machine() == "arm64":  # every Apple chip has them
        return frozenset({"dotprod"})
    command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.leaf7_features"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
    return frozenset(listed.lower().replace("avx512vnni", "avx512_vnni").split())
