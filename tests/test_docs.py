"""The documentation names what exists: settings, parameters, error codes."""

import re
from pathlib import Path
from typing import Any

import pytest

from accounts.errors import AuthenticationError
from billing.errors import CannotSpend
from removal import errors
from removal.docs import reference
from removal.engine import PARAMETERS
from removal.error_table import PARAMETER_CODES, ROWS, TABLE

ROOT = Path(__file__).parent.parent
SETTINGS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
READ = re.compile(
    r'(?:env\.\w+\(|secret\(|secrets_of\(|words\(|factors\(|\.(?:get|text|choices?|whole)\()\s*"([A-Z][A-Z0-9_]+)"'
)


def settings_read() -> set[str]:
    files = [ROOT / "pixian_site" / "settings.py", *(ROOT / "removal" / "engine").rglob("*.py")]
    return {name for path in files for name in READ.findall(path.read_text(encoding="utf-8"))}


def test_every_setting_is_documented():
    assert {name for name in settings_read() if f"`{name}`" not in SETTINGS} == set()


def test_no_documented_setting_is_dead():
    named = set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)`", SETTINGS, re.MULTILINE))
    assert named - settings_read() == set()


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.name)
def test_every_parameter_has_its_code(parameter):
    assert parameter.name in PARAMETER_CODES


def raised() -> dict[int, int]:
    """Status by code of the whole trees of errors."""
    found: dict[int, int] = {}
    waiting: list[Any] = [errors.RemovalError, AuthenticationError, CannotSpend]
    while waiting:
        error = waiting.pop()
        waiting.extend(error.__subclasses__())
        if hasattr(error, "code"):
            found[error.code] = error.status
    return found | dict.fromkeys(PARAMETER_CODES.values(), 400)


API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def test_the_tables_of_the_reference_are_those_of_the_code():
    assert reference.updated(API) == API, "manage.py update_reference writes them anew"


def test_a_reference_without_room_for_a_table_is_refused():
    with pytest.raises(ValueError, match="'errors'"):
        reference.updated(API.replace("<!-- end of errors -->", ""))


def test_the_table_of_errors_has_a_row_for_each_that_is_raised_and_no_other():
    assert {row.code: row.status for row in ROWS} == raised()
    assert list(TABLE) == sorted(row.code for row in ROWS)


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
OURS = r"\b(?:accounts|billing|benchmarks|deploy|docs|pixian_site|removal|static|templates|tests)/"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page):
    named = re.findall(
        rf"{OURS}[\w./-]+\.(?:py|js|json|html|md|conf|yaml)\b", page.read_text("utf-8")
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    "decision", [*(ROOT / "docs" / "decisions").iterdir()], ids=lambda decision: decision.stem
)
def test_every_decision_has_a_status_and_a_date(decision):
    third = decision.read_text("utf-8").splitlines()[2]
    assert re.match(r"Status: (accepted|superseded by \d{4}) · decided \d{4}-\d\d-\d\d\b", third)
