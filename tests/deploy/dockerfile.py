"""Reads the Dockerfile: its stages, each a list of instructions."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Instruction:
    name: str
    text: str


def stages(path: Path = ROOT / "Dockerfile") -> list[list[Instruction]]:
    found: list[list[Instruction]] = []
    for line in _logical_lines(path.read_text(encoding="utf-8")):
        name, _, text = line.partition(" ")
        if name == "FROM":
            found.append([])
        found[-1].append(Instruction(name, text.strip()))
    return found


def _logical_lines(text: str) -> list[str]:
    """Without comments and empty lines; what ends in a backslash goes on."""
    kept = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(kept).replace("\\\n", " ")
    return [re.sub(r"\s{2,}", " ", line) for line in joined.splitlines()]


def environment(stage: list[Instruction]) -> dict[str, str]:
    pairs = " ".join(step.text for step in stage if step.name == "ENV")
    return dict(re.findall(r"(\w+)=(\S+)", pairs))
