"""Decides which commands may create the data folder: those that set up or serve the site.

Every other command needs an existing one. Otherwise, run without the service's settings, it would
create a second, empty database in the wrong place and report success.
"""

import sys
from pathlib import Path
from urllib.parse import quote, unquote

SETTING_UP = ("serve", "worker", "migrate", "restore")
_PREFIX, _MODE = "file:", "?mode=rw"


def may_be_made() -> bool:
    return Path(sys.argv[0]).name != "manage.py" or sys.argv[1:2] in [[name] for name in SETTING_UP]


def only_if_there(database: str) -> str:
    """The name under which SQLite opens this file without creating it."""
    if database == ":memory:" or Path(database).exists():
        return database
    return _PREFIX + quote(database) + _MODE


def why_missing(database: str) -> str:
    """An error message if only_if_there() found no file; otherwise an empty text."""
    if not database.startswith(_PREFIX):
        return ""
    path = unquote(database.removeprefix(_PREFIX).removesuffix(_MODE))
    return (
        f"There is no database at {path}. If the service has one, run this with the service's own "
        "settings (docs/operations.md, “Commands beside the service”, says how); else start the "
        "service once, or run `manage.py migrate`."
    )
