"""Which licences the operator has accepted: recorded beside the weights that they are for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from removal.engine.errors import ModelUnavailable
from removal.files import replacing

from ..catalog import Model

FILE = "accepted-licences.json"


def accepted(folder: Path) -> dict[str, dict[str, str]]:
    """By network: what was accepted, and when."""
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def accept(model: Model, folder: Path) -> None:
    record = accepted(folder)
    if model.name not in record:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        record[model.name] = {"licence": model.licence, "accepted": now}
        with replacing(folder / FILE, 0o644) as stream:
            stream.write(json.dumps(record, indent=1).encode())


def require(model: Model, folder: Path) -> None:
    """ModelUnavailable unless the licence is permissive or was accepted."""
    if model.asks and model.name not in accepted(folder):
        raise ModelUnavailable(
            f"{model.name}: {model.licence}. If that suits you: `.venv/bin/python manage.py "
            f"fetch_models {model.name} --accept-licence {model.name}`."
        )
