"""Reads settings from the environment, strictly: a value that cannot be read stops the start."""

import os
import secrets
from pathlib import Path

from environs import Env

env = Env()


def read_env_file(path: Path) -> None:
    """Take variables from a `.env` file; the real environment wins over the file."""
    if path.is_file():
        env.read_env(str(path), recurse=False, override=False)


def secret(name: str, default: str = "") -> str:
    """NAME, or the content of the file that NAME_FILE points to (container secrets)."""
    file = os.environ.get(f"{name}_FILE")
    if file:
        return Path(file).read_text(encoding="utf-8").strip()
    return str(env.str(name, default))


def generated_secret(path: Path) -> str:
    """A random secret made at the first start and kept in a file that only the owner reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8").strip()
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        value = secrets.token_urlsafe(50)
        file.write(value)
    return value
