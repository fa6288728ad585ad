"""What the audit of dependencies makes of the answers it can get."""

import json

from tests.audit import tell


def report(*vulnerabilities):
    package = {"name": "left-pad", "version": "1.0", "vulns": list(vulnerabilities)}
    return json.dumps({"dependencies": [package], "fixes": []})


def test_known_vulnerabilities_fail_the_build_by_name(capsys):
    assert tell(report({"id": "PYSEC-1", "fix_versions": ["1.1"]}), "") == 1
    assert "left-pad 1.0: PYSEC-1; fixed in 1.1" in capsys.readouterr().out


def test_none_pass(capsys):
    assert tell(report(), "") == 0
    assert "1 packages: 0" in capsys.readouterr().out


def test_a_service_out_of_reach_is_said_and_no_failure(capsys):
    assert tell("", "ERROR: Connection refused") == 0
    told = capsys.readouterr().out
    assert "SKIPPED" in told
    assert "Connection refused" in told
