"""What runs the samples of each language: a file as the page shows it, then these commands."""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SAMPLES = ROOT / "templates" / "docs" / "samples"
# Whoever runs the tests has these; `make test-samples` installs what the others need.
HERE = ("sh", "py", "mjs")
EVERYWHERE = (*HERE, "php", "java", "cs", "rb", "go")


def node() -> str:
    """The Node that the tests set up for the public clients, else this machine's."""
    own = ROOT / "var" / "clients" / "venv" / "bin" / "node"
    return str(own) if own.is_file() else shutil.which("node") or "node"


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
