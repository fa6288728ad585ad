"""Standard Webhooks' library from npm checks what we sign."""

import json
import os
import subprocess
import time

import pytest

from removal.batches import webhooks

from .conftest import CLIENTS

SECRET, OTHER = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI0"
BODY = '{"type": "batch.done", "name": "ä"}'
CHECK = """
const { Webhook } = require("standardwebhooks");
const { secret, headers, body } = JSON.parse(require("fs").readFileSync(0, "utf-8"));
try { console.log(new Webhook(secret).verify(body, headers).type); }
catch (error) { console.log(error.name); }
"""


def verify(secret: str, headers: dict[str, str], body: str = BODY) -> str:
    path = f"{CLIENTS / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["node", "-e", CHECK],
        env={"PATH": path, "NODE_PATH": str(CLIENTS / "node_modules")},
        input=json.dumps({"secret": secret, "headers": headers, "body": body}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


@pytest.fixture
def headers() -> dict[str, str]:
    """While SECRET replaces OTHER."""
    return webhooks.headers([SECRET, OTHER], "msg1", int(time.time()), BODY.encode())


@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_it_accepts_each_secret_that_signs(headers, secret):
    assert verify(secret, headers) == "batch.done"


def test_it_refuses_everything_else(headers):
    refused = "WebhookVerificationError"
    assert verify("whsec_" + "A" * 32, headers) == refused
    assert verify(SECRET, headers, BODY + " ") == refused
    assert verify(SECRET, headers | {"webhook-id": "msg2"}) == refused
