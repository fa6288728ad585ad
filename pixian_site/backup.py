"""Backs up an SQLite database while the site runs, and restores it while the site is stopped.

An SQLite database is more than its file: the latest commits are in the write-ahead log beside it
(-wal). So copies are made through SQLite, and a log is never left without its database file.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from pixian_site import data_folder

CHECKPOINT_SECONDS = 5
LOGS = ("-wal", "-shm", "-journal")
PARTIAL, REPLACED, LOCK = ".partial", ".replaced", ".lock"
OURS = {"django_migrations", "accounts_user", "billing_account", "billing_ledgerentry"}
POSTGRESQL = (
    "The database is PostgreSQL, which has its own tools. Backup: pg_dump --format=custom "
    '--file=FILE "$DATABASE_URL". Restore: stop the site, pg_restore --clean --if-exists '
    '--dbname="$DATABASE_URL" FILE, then manage.py migrate and manage.py audit_ledger.'
)


REPLACING = "A backup is being restored over this database: wait until it is done."


class BackupError(Exception):
    """Why a backup or restore failed, as a sentence for the operator."""


def is_sqlite() -> bool:
    return connection.vendor == "sqlite"


def database_file() -> Path:
    if not is_sqlite():
        raise BackupError(POSTGRESQL)
    name = str(connection.settings_dict["NAME"])
    if reason := data_folder.why_missing(name):
        raise BackupError(reason)
    return Path(name).resolve()  # the log is beside the real file, not beside a symbolic link


def backup(target: Path) -> None:
    """Write a copy of the current database to a private file; others may keep writing."""
    if target.exists():
        raise BackupError(f"{target} exists already: name a new file.")
    partial = _beside(target, PARTIAL)
    try:
        _copy(database_file(), partial)
        os.replace(partial, target)
        _sync(target.parent)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"{target} could not be written: {error}.") from error
    finally:
        partial.unlink(missing_ok=True)


def restore(source: Path) -> Path | None:
    """Replace the database by a copy; returns the new path of the replaced one.

    Raises BackupError, without any change, while another process has the database open.
    """
    file = database_file()
    _check(source, file)
    connection.close()
    with _alone(file):
        partial = _beside(file, PARTIAL)
        try:
            _copy(source, partial)
            _close_log(file)
            _give_to_owner_of(file, partial)
            replaced = _keep(file)
            os.replace(partial, file)
            _sync(file.parent)
        except (OSError, sqlite3.Error) as error:
            raise BackupError(f"{source} could not be restored: {error}.") from error
        finally:
            partial.unlink(missing_ok=True)
    return replaced


def checkpoint() -> bool:
    """Move the write-ahead log into the database file and empty it; False if it was busy, or if
    there is no log."""
    if not is_sqlite():
        return False
    with closing(sqlite3.connect(database_file(), timeout=CHECKPOINT_SECONDS)) as database:
        busy, *_ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def claim() -> None:
    """Prevent a restore for as long as this process and its children live (a shared lock).

    Raises BackupError if a restore is running. Any number of processes may hold the lock.
    """
    if is_sqlite():
        _lock(_lock_file(database_file()), fcntl.LOCK_SH, REPLACING)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    descriptor = _lock_file(file)
    try:
        _lock(descriptor, fcntl.LOCK_EX, f"The site is served from {file}: stop it first.")
        yield
    finally:
        os.close(descriptor)


def _lock_file(file: Path) -> int:
    lock = _beside(file, LOCK)
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        _give_to_owner_of(file, lock)
        return descriptor
    except OSError as error:
        raise BackupError(f"The database's folder cannot be used: {error}.") from error


def _lock(descriptor: int, kind: int, refusal: str) -> None:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        raise BackupError(refusal) from error


def _check(source: Path, file: Path) -> None:
    """Raises BackupError unless it is an intact database of this service, of a known version."""
    if file.exists() and source.exists() and source.samefile(file):
        raise BackupError(f"{source} is the database itself.")
    try:
        with closing(_open(source)) as database:
            verdict = database.execute("PRAGMA integrity_check").fetchone()[0]
            tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
            applied = _applied(database) if tables >= OURS else set()
    except sqlite3.Error as error:
        raise BackupError(f"{source} cannot be read as an SQLite database: {error}.") from error
    if verdict != "ok":
        raise BackupError(f"{source} is damaged: {verdict}.")
    if not tables >= OURS:
        raise BackupError(f"{source} is the database of another program.")
    if newer := applied - set(MigrationLoader(None).disk_migrations):
        names = ", ".join(sorted(f"{app}.{name}" for app, name in newer))
        raise BackupError(f"{source} was made by a newer version of this service ({names}).")


def _applied(database: sqlite3.Connection) -> set[tuple[str, str]]:
    return set(database.execute("SELECT app, name FROM django_migrations").fetchall())


def _copy(source: Path, target: Path) -> None:
    """A synced copy in one file, without a log, readable by its owner alone."""
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(_open(source)) as whole, closing(sqlite3.connect(target)) as copy:
        whole.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    _sync(target)


def _open(file: Path) -> sqlite3.Connection:
    """Open read-only: SQLite would create a missing file."""
    return sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True)


def _give_to_owner_of(file: Path, ours: Path) -> None:
    """Keep the owner of the replaced file, as the operator may restore as root."""
    if os.geteuid() == 0:
        owner = (file if file.exists() else file.parent).stat()
        os.chown(ours, owner.st_uid, owner.st_gid)


def _close_log(file: Path) -> None:
    """Make SQLite fold the log into the file, which it only does without other connections."""
    if not file.exists():
        return
    try:
        with closing(sqlite3.connect(file, timeout=0)) as database:
            mode = database.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            mode = "busy"
        else:
            raise
    except sqlite3.DatabaseError:
        return  # damaged, which may be the reason for the restore
    if mode != "delete":
        raise BackupError(f"Another process has {file} open: end it first.")


def _keep(file: Path) -> Path | None:
    """Rename the database and its log; the renamed one stays until the next restore."""
    if not file.exists():
        return None
    replaced = _beside(file, REPLACED)
    for log in ("", "-wal"):
        _beside(replaced, log).unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            os.link(_beside(file, log), _beside(replaced, log))
    for log in LOGS:
        _beside(file, log).unlink(missing_ok=True)
    return replaced


def _beside(file: Path, suffix: str) -> Path:
    return file.with_name(file.name + suffix)


def _sync(path: Path) -> None:
    """Sync a file or a folder to disk, so that it survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
