"""Sentry is told of faults, and of nobody's data."""

import json

import pytest
import sentry_sdk
from sentry_sdk.transport import Transport

from pixian_site import sentry
from pixian_site.env import hidden
from removal.execution import inline
from removal.outbound.addresses import parse_allowed
from removal.outbound.fetch import FetchLimits, fetch
from tests import pictures
from tests.api.conftest import new_caller
from tests.removal import hostile_server

pytestmark = pytest.mark.django_db


def broken(job):
    raise RuntimeError("out of paint")


class Mailbox(Transport):
    """Keeps what would have been sent."""

    def __init__(self, options=None):
        super().__init__(options)
        self.events = []

    def capture_envelope(self, envelope):
        self.events.extend(item.get_event() for item in envelope.items if item.get_event())


@pytest.fixture
def mailbox():
    box = Mailbox()
    sentry.start("https://public@sentry.invalid/1", transport=box)
    yield box
    sentry_sdk.get_client().close()
    sentry_sdk.init(trace_propagation_targets=[])  # what it has patched stays so


def test_a_fault_is_told_without_anybodys_data(mailbox, monkeypatch):
    monkeypatch.setattr(inline, "run", broken)
    alice = new_caller("alice@example.com", "1")
    alice.client.cookies["sessionid"] = "hush-hush"
    answer = alice.post(image=pictures.portrait(), result__margin="7px")
    assert answer.status_code == 500
    text = json.dumps(mailbox.events)
    assert "out of paint" in text
    for secret in ("alice@example.com", "hush", "7px", alice.authorization.split()[1], "Cookie"):
        assert secret not in text


def test_what_is_left_of_a_request_is_its_method():
    event = {
        "request": {"method": "POST", "url": "https://a/hush", "data": "hush", "cookies": "hush"},
        "user": {"id": 1},
        "extra": {"a": "hush"},
        "logentry": {"message": "It failed for %s", "params": ["hush"], "formatted": "hush"},
    }
    kept = sentry.scrubbed(event, {})
    assert kept == {"request": {"method": "POST"}, "logentry": {"message": "It failed for %s"}}


def test_errors_are_told_without_rows_and_passwords():
    hidden("hush-hush")
    said = "can't reach redis://:hush-hush@host\nDETAIL: Key (email)=(alice@example.com) exists"
    event = {"exception": {"values": [{"type": "IntegrityError", "value": said}, {"type": "E"}]}}
    first, second = sentry.scrubbed(event, {})["exception"]["values"]
    assert first == {"type": "IntegrityError", "value": "can't reach redis://:[hidden]@host"}
    assert second["value"] == ""


def test_hosts_of_pictures_are_told_nothing_of_it(mailbox):
    limits = FetchLimits(
        max_bytes=10_000_000,
        total_seconds=10,
        connect_seconds=5,
        max_redirects=0,
        allow=parse_allowed(["127.0.0.1/32"]),
    )
    with hostile_server.serving() as outside:
        fetch(outside.url("/picture"), limits)
        assert "sentry" not in outside.requests[-1].lower()
