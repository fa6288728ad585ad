"""What was found out about network files on this machine, kept beside the weights.

A note holds until its file changes. Where the folder cannot be written, it is found out anew.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from removal.files import replacing


def read(folder: Path, name: str, path: Path) -> Any:
    """What the note file `name` of `folder` has about the file at `path`; None without a note."""
    note = _notes(folder / name).get(str(path))
    with suppress(OSError):
        if isinstance(note, dict) and note.get("file") == identity(path):
            return note.get("found")
    return None


def write(folder: Path, name: str, path: Path, found: Any) -> None:
    """Notes about files that are gone are dropped."""
    with suppress(OSError):
        kept = {
            other: note for other, note in _notes(folder / name).items() if Path(other).is_file()
        }
        kept[str(path)] = {"file": identity(path), "found": found}
        with replacing(folder / name, 0o644) as stream:
            stream.write(json.dumps(kept, indent=1).encode())


def identity(path: Path) -> list[int]:
    """What changes with a file: its size and time. OSError."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _notes(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
