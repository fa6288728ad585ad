"""Secrets leave no trace: not in the log at its most talkative, not in any file of the server."""

import base64
import json
import re
import urllib.parse
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from tests import pictures
from tests.serving import Server, engine_pids, serving

EMAIL, PASSWORD = "careful@example.com", "a horse that nobody guesses"
STRIPE_KEY, WEBHOOK_SECRET = "sk_test_51NobodyKnows", "whsec_NobodyKnows"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {
        "LOG_LEVEL": "DEBUG",
        "STRIPE_SECRET_KEY": STRIPE_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_API_BASE": "http://127.0.0.1:9",  # nobody answers there
        "LDAP_PASSWORD": "of-some-other-program",
    }
    with serving(tmp_path_factory.mktemp("talkative"), **settings) as running:
        yield running


def everywhere(server: Server) -> bytes:
    """The log and every file that the server has written, its own key aside."""
    folder = Path(server.environment["DATA_DIR"])
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "secret_key"]
    assert any(path.suffix == ".sqlite3" for path in files)
    return b"\n".join(path.read_bytes() for path in files)


def traces(server: Server, secrets: list[str]) -> list[str]:
    found = everywhere(server)
    return [secret for secret in secrets if any(form in found for form in spellings(secret))]


def spellings(secret: str) -> list[bytes]:
    plain = secret.encode()
    return [plain, urllib.parse.quote_plus(secret).encode(), base64.b64encode(plain)]


def test_the_processes_that_decode_strangers_files_know_no_secret(server, wait_until):
    wait_until(lambda: bool(engine_pids(server.process.pid)))
    for pid in engine_pids(server.process.pid):
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"REMOVAL_MODEL" in environment
        assert STRIPE_KEY.encode() not in environment
        assert b"DATABASE_URL" not in environment
        assert b"LDAP_PASSWORD" not in environment


def test_an_api_secret_is_not_written_down_however_it_is_sent(server):
    pair = server.manage("issue_api_key", EMAIL)
    public_id, _, secret = pair.partition(":")
    token = base64.b64encode(pair.encode()).decode()
    body = json.dumps(
        {"image.base64": base64.b64encode(pictures.portrait()).decode(), "test": True}
    )
    said = []
    for path, headers in (
        ("/api/v2/remove-background", {"Authorization": f"Basic {token}"}),
        ("/api/v2/remove-background", {"Authorization": f"Basic {token}-broken"}),
        ("/api/v2/remove-background", {"Authorization": f"Bearer {secret}"}),
        ("/v1.0/removebg", {"X-Api-Key": pair}),
        ("/v1.0/removebg", {"X-Api-Key": f"{public_id}:{secret}x"}),
    ):
        said.append(
            server.ask("POST", path, body, {"Content-Type": "application/json"} | headers)[0]
        )
    assert said[0] == 200
    assert {401, 403} <= set(said)
    assert public_id.encode() in everywhere(server)
    assert traces(server, [secret, token]) == []


def test_a_password_is_not_written_down_whether_it_is_right_or_wrong(server):
    status, headers, body = server.ask("GET", "/accounts/signup/")
    assert status == 200
    jar: SimpleCookie = SimpleCookie()
    for cookie in headers.get_all("Set-Cookie") or []:
        jar.load(cookie)
    token = re.search(rb'csrfmiddlewaretoken" value="(\w+)"', body)
    assert token
    sent = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in jar.items()),
    }
    form = {"email": "new@example.com", "password1": PASSWORD, "terms": "on"}
    form |= {"login": "new@example.com", "password": PASSWORD}
    form |= {"csrfmiddlewaretoken": token[1].decode()}
    encoded = urllib.parse.urlencode(form)
    assert server.ask("POST", "/accounts/signup/", encoded, sent)[0] == 302
    assert server.ask("POST", "/accounts/login/", encoded, sent)[0] in (200, 302)
    assert b"new@example.com" in everywhere(server)
    assert traces(server, [PASSWORD]) == []


def test_the_operators_secrets_are_not_written_down(server):
    server.ask("POST", "/billing/stripe/webhook", "{}", {"Stripe-Signature": "t=1,v1=0"})
    own = (Path(server.environment["DATA_DIR"]) / "secret_key").read_text()
    assert traces(server, [STRIPE_KEY, WEBHOOK_SECRET, own]) == []
