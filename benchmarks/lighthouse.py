"""Lighthouse's marks for the pages that strangers see first.

    make lighthouse            /, /pricing and the API's documentation, as a phone sees them

Each page is loaded three times; the median of each mark counts. What lost points is named. The exit
status is 0 where all four marks of all pages are 95 or more. Lighthouse itself is an npm package in
var/lighthouse and drives the installed Chromium.
"""

import json
import os
import statistics
import subprocess
import sys
from typing import Any

from .page import chromium
from .site import HOME, Site

PATHS = ("/", "/pricing", "/docs", "/ja/")
ROUNDS = 3
LEAST = 95
LIGHTHOUSE = HOME / "var" / "lighthouse" / "node_modules" / ".bin" / "lighthouse"


def main() -> int:
    if not LIGHTHOUSE.exists():
        raise SystemExit("Lighthouse is missing: make lighthouse installs it.")
    good = True
    with Site() as site:
        for path in PATHS:
            reports = [report(site.address + path) for _ in range(ROUNDS)]
            marks = median_marks(reports)
            print(f"{path}: " + ", ".join(f"{name} {mark}" for name, mark in marks.items()))
            for line in lost_points(reports[-1]):
                print(f"    {line}")
            good = good and min(marks.values()) >= LEAST
    print("all marks are", "at least" if good else "NOT all at least", LEAST)
    return int(not good)


def report(address: str) -> dict[str, Any]:
    flags = "--headless=new --no-sandbox --disable-gpu"
    done = subprocess.run(
        [LIGHTHOUSE, address, "--quiet", "--output=json", f"--chrome-flags={flags}"],
        env=os.environ | {"CHROME_PATH": chromium()},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def median_marks(reports: list[dict[str, Any]]) -> dict[str, int]:
    return {
        name: round(100 * statistics.median(it["categories"][name]["score"] for it in reports))
        for name in reports[0]["categories"]
    }


def lost_points(found: dict[str, Any]) -> list[str]:
    """Audits that count and are not perfect."""
    counted = {
        reference["id"]
        for category in found["categories"].values()
        for reference in category["auditRefs"]
        if reference["weight"]
    }
    imperfect = [
        audit
        for audit in found["audits"].values()
        if audit["id"] in counted and audit["score"] is not None and audit["score"] < 0.9
    ]
    return [f"{audit['title']} {audit.get('displayValue', '')}".strip() for audit in imperfect]


if __name__ == "__main__":
    sys.exit(main())
