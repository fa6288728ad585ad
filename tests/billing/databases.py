"""Puts a fresh database, SQLite or PostgreSQL, in the place of Django's "default"."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from pixian_site.env import env


def sqlite(folder: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(folder / "test.sqlite3"),
        "OPTIONS": settings.SQLITE_OPTIONS,
    }


def postgresql(server_url: str) -> dict[str, Any]:
    """A new database on that server."""
    return dict(env.dj_db_url("", new_postgresql_database(server_url)))


def new_postgresql_database(server_url: str) -> str:
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


@contextmanager
def as_default(database: dict[str, Any]) -> Iterator[None]:
    """Migrated and in the place of "default", for this thread and those it starts."""
    connection, replaced = connections["default"], connections.settings["default"]
    connections.settings["default"] = replaced | {"OPTIONS": {}} | database
    del connections["default"]
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = replaced
        connections["default"] = connection
