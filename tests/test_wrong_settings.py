"""What an operator sets wrong stops the start, and the last line says what it was."""

import os
import subprocess
import sys

import pytest

from tests.serving import ROOT

MODELS = os.environ.get("REMOVAL_MODELS_DIR") or str(ROOT / "var" / "models")


def started(*arguments: str, **settings: str) -> tuple[int, str]:
    """Exit status of manage.py and what it has to say about itself."""
    process = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=os.environ | {"REMOVAL_MODELS_DIR": MODELS} | settings,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return process.returncode, process.stderr.strip()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REMOVAL_SLOTS", "several"),
        ("REMOVAL_KEY_CONCURRENCY", "0"),
        ("CREDITS_PER_MEGAPIXEL", "-1"),
        ("REDIS_URL", "localhost:6379"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(tmp_path, name, value):
    status, said = started("check", DATA_DIR=str(tmp_path), **{name: value})
    assert status != 0
    assert name in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [("REMOVAL_THREADS", "abc"), ("REMOVAL_DEVICE", "gpu"), ("REMOVAL_MODEL_FILE", "/nowhere")],
)
def test_the_engines_settings_are_read_as_strictly(tmp_path, name, value):
    settings = {name.removesuffix("_FILE"): ""} | {name: value}
    status, said = started("serve", "--port", "0", DATA_DIR=str(tmp_path), **settings)
    assert status != 0
    assert said.startswith(f"CommandError: The engine could not be prepared: {name}={value!r} ")


def test_blanks_around_a_value_do_not_count(tmp_path):
    written = {
        "ADMIN_REQUIRE_MFA": " true ", "SITE_URL": " https://cutout.example.com/ ",
        "REDIS_URL": "redis://127.0.0.1:9 ", "REMOVAL_EXECUTION": "queue\t", "LOG_LEVEL": " INFO",
    }  # fmt: skip
    status, said = started("check", DATA_DIR=str(tmp_path), **written)
    assert status == 0, said


def test_an_empty_number_or_switch_is_as_if_it_were_not_set(tmp_path):
    names = ("EMAIL_PORT", "EMAIL_USE_TLS", "REMOVAL_SLOTS", "CREDITS_BASE", "REQUIRE_HTTPS")
    empty = dict.fromkeys(names, "") | {"HSTS_SECONDS": " "}
    status, said = started("check", DATA_DIR=str(tmp_path), **empty)
    assert status == 0, said


def test_a_database_that_is_away_is_told_in_words(tmp_path):
    away = "postgres://cutout:secret@127.0.0.1:9/cutout"
    status, said = started("serve", "--port", "0", DATA_DIR=str(tmp_path), DATABASE_URL=away)
    assert status != 0
    assert said.startswith("CommandError: The database could not be prepared: ")


def test_a_port_that_cannot_be_is_refused(tmp_path):
    status, said = started("serve", "--port", "80000", DATA_DIR=str(tmp_path))
    assert status != 0
    assert "65535" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "command",
    [
        ("issue_api_key", "stray@example.com"),
        ("grant_credits", "stray@example.com", "1", "--reason", "none"),
        ("createsuperuser", "--no-input", "--email", "stray@example.com"),
        ("audit_ledger",),
        ("backup", "/nowhere/copy"),
    ],
    ids=lambda command: command[0],
)
def test_a_command_makes_no_database_where_the_service_has_none(tmp_path, command):
    folder = tmp_path / "not the service's"
    status, said = started(*command, DATA_DIR=str(folder), SECRET_KEY="")
    assert status != 0
    assert said.startswith(f"CommandError: There is no database at {folder}/db.sqlite3. ")
    assert "Traceback" not in said
    assert not folder.exists()


def test_what_needs_no_database_makes_none_either(tmp_path):
    folder = tmp_path / "data"
    assert started("check", DATA_DIR=str(folder), SECRET_KEY="")[0] == 0
    assert not folder.exists()


def test_a_command_finds_the_database_and_the_key_that_setting_up_made(tmp_path):
    settings = {"DATA_DIR": str(tmp_path / "data"), "SECRET_KEY": ""}
    assert started("migrate", "--verbosity", "0", **settings) == (0, "")
    key = (tmp_path / "data" / "secret_key").read_text()
    assert started("audit_ledger", **settings)[0] == 0
    assert (tmp_path / "data" / "secret_key").read_text() == key
