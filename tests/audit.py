"""Looks the locked packages up among published vulnerabilities: `make audit`, part of `make check`.

Exit status 1 names what is vulnerable. Where the advisory service can't be reached nothing is
known, which is said and is no failure: a build must not depend on a service's day.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.txt", "requirements-dev.txt")
SECONDS = 5  # for each answer of the service


def main() -> int:
    arguments = [argument for lock in LOCKS for argument in ("--requirement", lock)]
    done = subprocess.run(
        [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--format=json",
         "--progress-spinner=off", f"--timeout={SECONDS}", *arguments],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    return tell(done.stdout, done.stderr)


def tell(report: str, complaint: str) -> int:
    try:
        packages = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        reason = (complaint.strip().splitlines() or ["no reason given"])[-1]
        print(f"WARNING: the audit of dependencies was SKIPPED, nothing is known: {reason[:300]}")
        return 0
    vulnerable = [package for package in packages if package.get("vulns")]
    for package in vulnerable:
        names = ", ".join(entry["id"] for entry in package["vulns"])
        fixed = sorted({version for entry in package["vulns"] for version in entry["fix_versions"]})
        print(
            f"{package['name']} {package['version']}: {names}; fixed in {', '.join(fixed) or '-'}"
        )
    print(f"Audited {len(packages)} packages: {len(vulnerable)} with known vulnerabilities.")
    return 1 if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
