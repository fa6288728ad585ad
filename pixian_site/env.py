"""Reads settings from the environment, strictly: a value that cannot be read stops the start.

NAME_FILE is the path of a file that holds the value of NAME (container secrets), for any of them.
"""

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from environs import FileAwareEnv, validate

env = FileAwareEnv(strip_whitespace=True)
secrets_known: set[str] = set()
NOT_NEGATIVE = validate.Range(min=0)
AT_LEAST_ONE = validate.Range(min=1)
SHORTEST_HIDDEN = 6  # what is shorter is no secret, and stands in too many other words


def read_env_file(path: Path) -> None:
    """Take variables from a `.env` file; the real environment wins over the file."""
    if path.is_file():
        env.read_env(str(path), recurse=False, override=False)


def secret(name: str) -> str:
    """A setting that logs never show; "" where there is none."""
    return hidden(str(env.str(name, "")))


def words(name: str, default: Iterable[str] = (), *, separator: str = ",") -> list[str]:
    """A setting of several values, blanks around them or not; empty ones are left out."""
    return _split(env.str(name, separator.join(default)), separator)


def secrets_of(name: str) -> list[str]:
    """Several secrets, separated by commas, each of which logs never show."""
    return [hidden(value) for value in _split(secret(name), ",")]


def _split(text: str, separator: str) -> list[str]:
    return [word for part in text.split(separator) if (word := part.strip())]


def hidden(value: str) -> str:
    """The value, which from now on logs never show (pixian_site/logs.py)."""
    if len(value) >= SHORTEST_HIDDEN:
        secrets_known.add(value)
    return value


def generated_secret(path: Path, *, keep: bool) -> str:
    """The random secret in a file that only its owner reads; without one, a new secret.

    keep: the new one is written there. Else it lives as long as the process.
    """
    with suppress(FileNotFoundError):
        return hidden(path.read_text(encoding="utf-8").strip())
    value = secrets.token_urlsafe(50)
    if not keep:
        return hidden(value)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process, at the same moment
        return hidden(path.read_text(encoding="utf-8").strip())
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(value)
    return hidden(value)
