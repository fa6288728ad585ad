"""A short ledger storm: processes killed at random leave right books on both databases."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
def test_killed_processes_leave_right_books(vendor):
    storm = subprocess.run(
        [
            sys.executable,
            *["-m", "tests.storms.ledger_storm", "--operations", "300", "--database"],
            vendor,
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert storm.returncode == 0, storm.stdout + storm.stderr
    assert storm.stdout.splitlines()[-1] == f"ledger-storm: right ({vendor})"
