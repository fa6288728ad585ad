"""What others rely on by name: the engine's names, addresses, settings, metrics, error codes.

    .venv/bin/python -m tests.public_surface     prints it as JSON

public_surface.json was printed before the packages were rearranged; what stands in it stays.
"""

import inspect
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def surface() -> dict[str, list[str]]:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pixian_site.settings")
    django.setup()
    return {
        "engine": _engine(),
        "addresses": sorted(_addresses()),
        "settings": _settings(),
        "metrics": _metrics(),
        "errors": _errors(),
        "commands": _commands(),
    }


def _engine() -> list[str]:
    from removal import engine

    return sorted(engine.__all__)


def _addresses() -> Iterator[str]:
    from django.urls import get_resolver

    def walk(patterns: Any, prefix: str) -> Iterator[str]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns, route)
            elif not route.startswith("admin/"):  # Django's own, one a model
                yield f"{route} {pattern.name or ''}".strip()

    return walk(get_resolver().url_patterns, "")


def _settings() -> list[str]:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    return sorted(set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)`", text, re.MULTILINE)))


def _metrics() -> list[str]:
    from prometheus_client import REGISTRY

    return sorted(family.name for family in REGISTRY.collect() if family.name.startswith("removal"))


def _errors() -> list[str]:
    from accounts import errors as accounts_errors
    from billing import errors as billing_errors
    from removal import error_table, errors

    classes: list[Any] = [
        value
        for module in (errors, accounts_errors, billing_errors)
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Exception) and hasattr(value, "code")
    ]
    known = {f"{cls.status} {cls.code}" for cls in classes if cls.code is not None}
    return sorted(known | {f"400 {code}" for code in error_table.PARAMETER_CODES.values()})


def _commands() -> list[str]:
    from django.core.management import get_commands

    ours = {"accounts", "billing", "removal", "pixian_site"}
    return sorted(name for name, app in get_commands().items() if app in ours)


if __name__ == "__main__":
    print(json.dumps(surface(), indent=1))
