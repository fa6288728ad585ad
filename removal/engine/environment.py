"""Reads the engine's settings from environment variables, strictly: its only reader of them.

NAME_FILE is the path of a file that holds the value of NAME (container secrets), for any of them.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .errors import ModelUnavailable


@dataclass(frozen=True, slots=True)
class Environment:
    """Values of settings. ModelUnavailable names the one that makes no sense, and what would."""

    values: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def text(self, name: str) -> str:
        """The value without blanks around it; "" where there is none."""
        if value := self.values.get(name, "").strip():
            return value
        path = self.values.get(f"{name}_FILE", "").strip()
        if not path:
            return ""
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ModelUnavailable(f"{name}_FILE={path!r} cannot be read: {error}.") from error

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """One of `allowed`, the first of which is the default."""
        value = self.text(name) or allowed[0]
        if value not in allowed:
            known = ", ".join(filter(None, allowed))
            raise ModelUnavailable(f"{name}={value!r} is not known. Allowed: {known}.")
        return value

    def choices(self, name: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """Some of `allowed`, each once, in the order given; separated by commas or blanks."""
        values = tuple(dict.fromkeys(self.text(name).replace(",", " ").split()))
        for value in values:
            if value not in allowed:
                known = ", ".join(allowed)
                raise ModelUnavailable(f"{name}: {value[:80]!r} is not known. Allowed: {known}.")
        return values

    def whole(self, name: str) -> int:
        """A whole number; 0 where there is none."""
        value = self.text(name) or "0"
        if not re.fullmatch(r"[0-9]{1,4}", value):
            raise ModelUnavailable(f"{name}={value[:80]!r} is not a whole number from 0 to 9999.")
        return int(value)
