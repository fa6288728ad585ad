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

Headers = dict[str, str]
Check = Callable[[str, Headers, bytes], bool]
SECRET, OTHER = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI0"
BODY = '{"type": "batch.done", "name": "\u00e4"}'.encode()
CALL = """
import { readFileSync } from "node:fs";
import { isGenuine } from "MODULE";
const { secret, headers, body } = JSON.parse(readFileSync(0, "utf-8"));
console.log(isGenuine(secret, headers, Buffer.from(body, "hex")));
"""


@pytest.fixture(params=["py", "mjs"])
def is_genuine(request: pytest.FixtureRequest, tmp_path: Path) -> Check:
    if request.param == "py":
        check: Check = runpy.run_path(str(SAMPLES / "webhook.py"))["is_genuine"]
        return check
    program = tmp_path / "check.mjs"
    program.write_text(CALL.replace("MODULE", (SAMPLES / "webhook.mjs").as_uri()))

    def ask_node(secret: str, headers: Headers, body: bytes) -> bool:
        asked = json.dumps({"secret": secret, "headers": headers, "body": body.hex()})
        done = subprocess.run(
            [node(), program], input=asked, capture_output=True, text=True, check=True, timeout=60
        )
        return bool(json.loads(done.stdout))

    return ask_node


def signed(*secrets: str, at: int | None = None) -> Headers:
    return webhooks.headers(list(secrets), "msg1", at or int(time.time()), BODY)


def test_what_was_signed_is_genuine(is_genuine: Check) -> None:
    assert is_genuine(SECRET, signed(SECRET), BODY)


def test_while_a_secret_is_replaced_either_will_do(is_genuine: Check) -> None:
    headers = signed(OTHER, SECRET)
    assert is_genuine(SECRET, headers, BODY)
    assert is_genuine(OTHER, headers, BODY)


def test_everything_else_is_not(is_genuine: Check) -> None:
    now = int(time.time())
    headers = signed(SECRET)
    assert not is_genuine(OTHER, headers, BODY)
    assert not is_genuine(SECRET, headers, BODY + b" ")
    assert not is_genuine(SECRET, headers | {"webhook-id": "msg2"}, BODY)
    assert not is_genuine(SECRET, headers | {"webhook-timestamp": str(now + 1)}, BODY)
    assert not is_genuine(SECRET, signed(SECRET, at=now - 600), BODY)
    assert not is_genuine(SECRET, {}, BODY)
    for garbage in ("", "v1", "v1,", "v1,\u00e4", "v2,x v1,x"):
        assert not is_genuine(SECRET, headers | {"webhook-signature": garbage}, BODY), garbage


def test_the_reference_shows_the_same() -> None:
    assert (SAMPLES / "webhook.py").read_text() in (ROOT / "docs" / "api.md").read_text()
