"""The tables of docs/api.md, made of the same rows as the site's documentation.

Each stands between two comments that name it; `manage.py update_reference` writes them anew.
"""

import re
from collections.abc import Callable, Iterable

from django.utils import translation

from removal.error_table import ROWS

from . import tables


def updated(text: str) -> str:
    """The document with each of its tables as the code has it now."""
    with translation.override("en"):
        for name, table in TABLES.items():
            text = _replaced(text, name, table())
    return text


def _replaced(text: str, name: str, table: str) -> str:
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"The document has no place for the table {name!r}.")
    return f"{before}{begin}{table}{end}{after}"


def _parameters() -> str:
    rows = [*tables.sources(), *tables.parameters()]
    return _table(
        ("parameter", "value", "default", ""),
        ((_code(row.name), row.allowed, _default(row), row.text) for row in rows),
    )


def _default(row: tables.Row) -> str:
    return row.default if row.default in ("", "none", "transparent") else _code(row.default)


def _recipes() -> str:
    head = ("recipe", "for", "size", "subject fills", "background", "format", "rules read on")
    return _table(
        head,
        (
            (
                _code(row.name), row.title, row.size, f"{row.fill} %", _code(row.background),
                row.format, row.source,
            )
            for row in tables.recipes()
        ),
    )  # fmt: skip


def _headers() -> str:
    return _table(("header", "value"), ((_code(row.name), row.text) for row in tables.headers()))


def _errors() -> str:
    return _table(
        ("HTTP", "code", "meaning", "what to do"),
        ((str(row.status), str(row.code), str(row.title), str(row.help)) for row in ROWS),
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", r"\|")


def _code(text: str) -> str:
    return f"`{text}`"


TABLES: dict[str, Callable[[], str]] = {
    "parameters": _parameters,
    "recipes": _recipes,
    "headers": _headers,
    "errors": _errors,
}
