"""The checks of a webhook's signature that the documentation shows."""

import json
import runpy
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from removal.batches import webhooks

from .programs import ROOT, SAMPLES, node

Check = Callable[[str, str, bytes], bool]
SECRET, BODY = "whsec_0123", '{"event": "batch.done", "name": "\u00e4"}'.encode()
CALL = """
import { readFileSync } from "node:fs";
import { isGenuine } from "MODULE";
const { secret, header, body } = JSON.parse(readFileSync(0, "utf-8"));
console.log(isGenuine(secret, header, Buffer.from(body, "hex")));
"""


@pytest.fixture(params=["py", "mjs"])
def is_genuine(request: pytest.FixtureRequest, tmp_path: Path) -> Check:
    if request.param == "py":
        check: Check = runpy.run_path(str(SAMPLES / "webhook.py"))["is_genuine"]
        return check
    program = tmp_path / "check.mjs"
    program.write_text(CALL.replace("MODULE", (SAMPLES / "webhook.mjs").as_uri()))

    def ask_node(secret: str, header: str, body: bytes) -> bool:
        asked = json.dumps({"secret": secret, "header": header, "body": body.hex()})
        done = subprocess.run(
            [node(), program], input=asked, capture_output=True, text=True, check=True, timeout=60
        )
        return bool(json.loads(done.stdout))

    return ask_node


def test_what_was_signed_is_genuine(is_genuine: Check) -> None:
    assert is_genuine(SECRET, webhooks.signature(SECRET, BODY, int(time.time())), BODY)


def test_everything_else_is_not(is_genuine: Check) -> None:
    now = int(time.time())
    header = webhooks.signature(SECRET, BODY, now)
    assert not is_genuine("whsec_other", header, BODY)
    assert not is_genuine(SECRET, header, BODY + b" ")
    assert not is_genuine(SECRET, header.replace(str(now), str(now + 1)), BODY)
    assert not is_genuine(SECRET, webhooks.signature(SECRET, BODY, now - 600), BODY)
    for garbage in ("", "t", "t=,v1=", "v1=\u00e4", f"t={now}"):
        assert not is_genuine(SECRET, garbage, BODY), garbage


def test_the_reference_shows_the_same() -> None:
    assert (SAMPLES / "webhook.py").read_text() in (ROOT / "docs" / "api.md").read_text()
