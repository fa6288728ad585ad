"""Makes a table append-only: in Python by its manager, in the database by triggers."""

from typing import Any, NoReturn, TypeVar

from django.apps import AppConfig
from django.db import connections, models

TABLES = ("billing_ledgerentry",)
MESSAGE = "ledger rows are append-only"

Row = TypeVar("Row", bound=models.Model)


class AppendOnly(Exception):
    """Ledger rows cannot be changed or deleted: write a correcting row instead."""


class AppendOnlyQuerySet(models.QuerySet[Row]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly(MESSAGE)

    def delete(self) -> NoReturn:
        raise AppendOnly(MESSAGE)


class AppendOnlyModel(models.Model):
    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly(MESSAGE)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly(MESSAGE)


def install_triggers(
    sender: AppConfig | None = None, using: str = "default", **kwargs: Any
) -> None:
    """Create the triggers where they are missing; called after every migrate and flush."""
    connection = connections[using]
    existing = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for table in existing.intersection(TABLES):
            for statement in TRIGGERS[connection.vendor]:
                cursor.execute(statement.format(table=table, message=MESSAGE))


def drop_triggers(using: str = "default") -> None:
    """Drop the triggers, for a test database that is emptied between tests."""
    connection = connections[using]
    on_table = " ON {table}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for table in TABLES:
            for event in ("update", "delete", "truncate"):
                name = f"{table}_no_{event}"
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on_table.format(table=table)}")


def _sqlite(event: str) -> str:
    return (
        f"CREATE TRIGGER IF NOT EXISTS {{table}}_no_{event.lower()} BEFORE {event} ON {{table}} "
        "BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def _postgresql(event: str) -> str:
    each = "STATEMENT" if event == "TRUNCATE" else "ROW"
    return (
        f"CREATE OR REPLACE TRIGGER {{table}}_no_{event.lower()} BEFORE {event} ON {{table}} "
        f"FOR EACH {each} EXECUTE FUNCTION {{table}}_append_only()"
    )


_FUNCTION = (
    "CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION '{message}'; END $$"
)
TRIGGERS = {
    "sqlite": [_sqlite("UPDATE"), _sqlite("DELETE")],
    "postgresql": [
        _FUNCTION,
        _postgresql("UPDATE"),
        _postgresql("DELETE"),
        _postgresql("TRUNCATE"),
    ],
}
