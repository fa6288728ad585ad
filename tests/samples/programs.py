"""What runs the samples of each language: a file as the page shows it, then these commands."""

import shutil
import sys
from pathlib import Path

from removal.engine.weights import registries

ROOT = Path(__file__).parent.parent.parent
SAMPLES = ROOT / "templates" / "docs" / "samples"
# Whoever runs the tests has these; `make test-samples` installs what the others need.
HERE = ("sh", "py", "mjs")
EVERYWHERE = (*HERE, "php", "java", "cs", "rb", "go")


def node() -> str:
    """This machine's Node, else one of the tests' own."""
    return shutil.which("node") or registries.npm(ROOT / "var")[0]


def commands(file: Path) -> list[list[str]]:
    name = file.name
    match file.suffix:
        case ".sh":
            return [["sh", "-eu", name]]
        case ".py":
            return [[sys.executable, name]]
        case ".mjs":
            return [[node(), name]]
        case ".cs":
            return [["mcs", "-r:System.Net.Http", "-out:sample.exe", name], ["mono", "sample.exe"]]
        case ".go":
            return [["go", "run", name]]
        case ".php" | ".java" | ".rb":
            return [[{".php": "php", ".java": "java", ".rb": "ruby"}[file.suffix], name]]
    raise ValueError(file)
