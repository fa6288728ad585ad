"""A backup is whole whatever is written meanwhile; a restore leaves that state and no other."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection

from accounts.models import User
from billing import ledger
from billing.audit import audit
from billing.models import Account, LedgerEntry
from pixian_site import backup
from tests.billing import databases
from tests.serving import ROOT, serving

ROWS = 5_000


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Path:
    """The file of a database with thousands of ledger rows of one account."""
    folder = tmp_path_factory.mktemp("template")
    with django_db_blocker.unblock(), databases.as_default(databases.sqlite(folder)):
        account = ledger.account_for(User.objects.create_user("many@example.com"))
        LedgerEntry.objects.bulk_create(
            LedgerEntry(account=account, kind="grant", amount=1, balance_after=number, held_after=0)
            for number in range(1, ROWS + 1)
        )
        Account.objects.filter(pk=account.pk).update(balance=ROWS)
    return folder / "test.sqlite3"


@pytest.fixture
def database(template: Path, tmp_path: Path, django_db_blocker: Any) -> Iterator[Path]:
    """A copy of it, in the place of "default"."""
    file = Path(shutil.copy(template, tmp_path / "test.sqlite3"))
    file.chmod(0o600)
    with django_db_blocker.unblock(), databases.as_default(databases.sqlite(tmp_path)):
        yield file


def grant(number: int = 1) -> None:
    user = User.objects.get(email="many@example.com")
    for _ in range(number):
        ledger.grant(user, Decimal(1), "later")


def rows(file: Path | None = None) -> int:
    if file is None:
        return LedgerEntry.objects.count()
    with closing(sqlite3.connect(file)) as other:
        return int(other.execute("SELECT count(*) FROM billing_ledgerentry").fetchone()[0])


def log_of(file: Path) -> Path:
    return file.with_name(file.name + "-wal")


def test_a_backup_holds_everything_and_is_private(database, tmp_path):
    grant()  # lies in the write-ahead log
    assert log_of(database).stat().st_size
    copy = tmp_path / "copy"
    before = os.umask(0)
    call_command("backup", str(copy))
    os.umask(before)
    assert rows(copy) == ROWS + 1
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert not log_of(copy).exists()


def test_a_backup_while_others_write_is_one_moment_of_it(database, tmp_path):
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            grant()
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            call_command("backup", str(tmp_path / f"copy{number}"))
    finally:
        done.set()
        writer.join()
    for number in range(3):
        call_command("restore", str(tmp_path / f"copy{number}"))
        assert list(audit()) == []
        assert rows() >= ROWS


def test_a_restore_leaves_the_state_of_the_backup(database, tmp_path):
    call_command("backup", str(tmp_path / "copy"))
    grant(3)
    call_command("restore", str(tmp_path / "copy"))
    assert rows() == ROWS
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    grant()
    assert list(audit()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_restores_for_whoever_serves(database, tmp_path):
    call_command("backup", str(tmp_path / "copy"))
    connection.close()
    os.chown(database, 4321, 1234)
    call_command("restore", str(tmp_path / "copy"))
    for file in (database, database.with_name("test.sqlite3.lock")):
        assert (file.stat().st_uid, file.stat().st_gid) == (4321, 1234)


def test_a_log_that_a_killed_server_left_does_not_come_back(database, tmp_path):
    """Else SQLite plays it into the file that was put in the place of its own."""
    call_command("backup", str(tmp_path / "copy"))
    grant(50)
    files = [Path(f"{database}{suffix}") for suffix in ("", "-wal", "-shm")]
    left = {file: file.read_bytes() for file in files}  # as they are while the site is served
    connection.close()
    for file, content in left.items():
        file.write_bytes(content)
    assert log_of(database).stat().st_size
    call_command("restore", str(tmp_path / "copy"))
    assert rows() == ROWS
    assert list(audit()) == []


def test_what_was_replaced_is_kept_whole(database, tmp_path, capsys):
    call_command("backup", str(tmp_path / "copy"))
    grant(3)
    call_command("restore", str(tmp_path / "copy"))
    replaced = database.with_name("test.sqlite3.replaced")
    assert str(replaced) in capsys.readouterr().out
    call_command("restore", str(replaced))
    assert rows() == ROWS + 3


def test_a_damaged_database_is_replaced(database, tmp_path):
    call_command("backup", str(tmp_path / "copy"))
    connection.close()
    database.write_bytes(b"not any more" * 1000)
    call_command("restore", str(tmp_path / "copy"))
    assert rows() == ROWS


def test_a_lost_database_is_put_back(database, tmp_path):
    call_command("backup", str(tmp_path / "copy"))
    connection.close()
    database.unlink()
    log_of(database).unlink(missing_ok=True)
    call_command("restore", str(tmp_path / "copy"))
    assert rows() == ROWS


def test_what_a_migration_sees_to_is_there_again(database, tmp_path):
    copy = tmp_path / "copy"
    call_command("backup", str(copy))
    with closing(sqlite3.connect(copy)) as old:
        old.execute("DROP TRIGGER billing_ledgerentry_no_update")
        old.commit()
    call_command("restore", str(copy))
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match="append-only"):
        cursor.execute("UPDATE billing_ledgerentry SET amount = 2")


def test_books_that_are_wrong_are_told(database, tmp_path, capsys):
    copy = tmp_path / "copy"
    call_command("backup", str(copy))
    with closing(sqlite3.connect(copy)) as other:
        other.execute("UPDATE billing_account SET balance = balance + 1")
        other.commit()
    with pytest.raises(CommandError, match="The ledger has 1 faults"):
        call_command("restore", str(copy))


# --- Refused ---


def newer(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as other:
        other.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('billing', '9999_x', 0)"
        )
        other.commit()


def something_else(copy: Path) -> None:
    copy.unlink()
    with closing(sqlite3.connect(copy)) as other:
        other.execute("CREATE TABLE recipes (name)")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (Path.unlink, "unable to open"),
        (lambda copy: copy.write_bytes(b""), "of another program"),
        (lambda copy: copy.write_bytes(b"x" * 5000), "not a database"),
        (lambda copy: os.truncate(copy, copy.stat().st_size // 2), "malformed|damaged"),
        (something_else, "of another program"),
        (newer, "newer version.*billing.9999_x"),
    ],
)
def test_what_is_no_backup_is_refused_and_changes_nothing(database, tmp_path, spoil, words):
    copy = tmp_path / "copy"
    call_command("backup", str(copy))
    spoil(copy)
    grant()
    with pytest.raises(CommandError, match=words):
        call_command("restore", str(copy))
    assert rows() == ROWS + 1
    assert not list(tmp_path.glob("*.partial"))


def test_the_database_itself_is_no_backup(database):
    with pytest.raises(CommandError, match="the database itself"):
        call_command("restore", str(database))


def test_a_backup_overwrites_nothing(database, tmp_path):
    (tmp_path / "precious").write_text("diary")
    for target, words in ((tmp_path / "precious", "exists"), (database, "exists"),
                          (tmp_path / "nowhere" / "copy", "could not be written")):  # fmt: skip
        with pytest.raises(CommandError, match=words):
            call_command("backup", str(target))
    assert (tmp_path / "precious").read_text() == "diary"


def test_a_database_that_another_process_has_open_is_not_replaced(database, tmp_path):
    call_command("backup", str(tmp_path / "copy"))
    grant()
    with closing(sqlite3.connect(database)) as other:
        other.execute("SELECT count(*) FROM billing_account").fetchone()
        with pytest.raises(CommandError, match="Another process"):
            call_command("restore", str(tmp_path / "copy"))
    assert rows() == ROWS + 1


def test_of_postgresql_it_says_what_to_use(settings, monkeypatch, db):
    monkeypatch.setattr(connection, "vendor", "postgresql")
    for command in ("backup", "restore"):
        with pytest.raises(CommandError, match=r"pg_dump .*pg_restore"):
            call_command(command, "copy")


# --- With the server ---


def test_a_served_database_is_backed_up_not_replaced_and_left_without_a_log(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    with serving(folder) as server:
        server.manage("issue_api_key", "owner@example.com")
        server.manage("backup", str(tmp_path / "copy"))
        server.manage("grant_credits", "owner@example.com", "5", "--reason", "later")
        refused = subprocess.run(
            [sys.executable, "manage.py", "restore", str(tmp_path / "copy")],
            cwd=ROOT, env=server.environment, capture_output=True, text=True,
        )  # fmt: skip
        assert (refused.returncode, "stop it first" in refused.stderr) == (1, True)
        assert "Traceback" not in refused.stderr
        server.stop()
        log = log_of(folder / "db.sqlite3")
        assert not log.exists() or log.stat().st_size == 0
        assert rows(folder / "db.sqlite3") == 1
        assert "The ledger is right: 0 entries" in server.manage("restore", str(tmp_path / "copy"))
        assert rows(folder / "db.sqlite3") == 0


def test_the_server_does_not_start_while_a_backup_is_being_put_back(database):
    with backup._alone(database), pytest.raises(backup.BackupError, match="being restored"):
        backup.claim()
