"""The documentation names what exists: settings, parameters, error codes."""

import re
from pathlib import Path

import pytest

from removal import errors
from removal.docs import reference
from removal.engine import PARAMETERS

ROOT = Path(__file__).parent.parent
SETTINGS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
READ = re.compile(
    r'(?:env\.\w+\(|secret\(|secrets_of\(|words\(|\.get\(|_choice\(\s*environment,)\s*"([A-Z][A-Z0-9_]+)"'
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
    assert parameter.name in errors.PARAMETER_CODES


def every_error() -> set[tuple[int, int]]:
    """(status, code) of the whole tree."""
    found, waiting = set(), [errors.RemovalError]
    while waiting:
        error = waiting.pop()
        waiting.extend(error.__subclasses__())
        found.add((error.status, error.code))
    return found | {(400, code) for code in errors.PARAMETER_CODES.values()}


API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def test_the_tables_of_the_reference_are_those_of_the_code():
    assert reference.updated(API) == API, "manage.py update_reference writes them anew"


def test_a_reference_without_room_for_a_table_is_refused():
    with pytest.raises(ValueError, match="'errors'"):
        reference.updated(API.replace("<!-- end of errors -->", ""))


@pytest.mark.parametrize(("status", "code"), sorted(every_error()))
def test_every_error_code_is_documented(status, code):
    assert f"| {status} | {code} | " in API
