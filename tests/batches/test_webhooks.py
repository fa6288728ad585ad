"""What a batch's owner is told: signed as documented, until it is taken."""

import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from removal.batches import webhooks
from removal.batches.fair_queue import FairQueue
from removal.models import WebhookDelivery
from removal.outbound.addresses import parse_allowed

from .conftest import BATCHES, work_through, zip_of

pytestmark = pytest.mark.django_db


class Listener:
    """A server that takes webhooks, or does not, as `status` says."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.heard.append((dict(self.headers), body))
                self.send_response(listener.status)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            def log_message(self, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?for=me"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def events(self) -> list[str]:
        return [json.loads(body)["event"] for _, body in self.heard]


@pytest.fixture
def listener(settings) -> Iterator[Listener]:
    settings.IMAGE_URL_ALLOW = parse_allowed(["127.0.0.1/32"])
    listener = Listener()
    yield listener
    listener.close()


def deliver_all() -> None:
    while webhooks.deliver_next():
        pass


def later(**time) -> None:
    """As if so much time had passed for what waits."""
    for delivery in WebhookDelivery.objects.exclude(due_at=None):
        delivery.due_at -= timedelta(**time)
        delivery.save()


def test_each_picture_and_the_end_are_told(alice, portrait, listener):
    alice.post(BATCHES, image=portrait, webhook__url=listener.url)
    work_through()
    deliver_all()
    assert listener.events == ["picture.done", "batch.done"]
    told = json.loads(listener.heard[0][1])["data"]
    assert (told["number"], told["state"]) == (1, "done")
    assert told["creditsCharged"] > 0


def test_the_signature_is_the_documented_one(alice, portrait, listener):
    answer = alice.post(BATCHES, image=b"no picture", webhook__url=listener.url).json()
    secret = answer["webhook"]["secret"]
    work_through()
    deliver_all()
    headers, body = listener.heard[0]
    at, given = (part.partition("=")[2] for part in headers["X-Webhook-Signature"].split(","))
    expected = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(given, expected)
    assert json.loads(body)["id"] == headers["X-Webhook-Id"]


def test_the_documented_check_accepts_it(alice, listener):
    """The sample of docs/api.md, run as it stands there."""
    text = (settings.BASE_DIR / "docs" / "api.md").read_text()
    sample: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(next(block for block in blocks if "def is_genuine" in block), sample)
    answer = alice.post(BATCHES, image=b"no picture", webhook__url=listener.url).json()
    work_through()
    deliver_all()
    headers, body = listener.heard[0]
    secret, header = answer["webhook"]["secret"], headers["X-Webhook-Signature"]
    assert sample["is_genuine"](secret, header, body)
    assert not sample["is_genuine"](secret, header, body + b" ")
    assert not sample["is_genuine"]("other", header, body)


def test_each_account_has_a_secret_of_its_own(alice, bob):
    assert webhooks.secret_of(alice.user) != webhooks.secret_of(bob.user)


@pytest.mark.parametrize("status", [500, 302, 404])
def test_what_is_not_taken_is_told_again_later(alice, listener, status):
    listener.status = status
    alice.post(BATCHES, image=b"no picture", webhook__url=listener.url)
    work_through()
    deliver_all()
    assert listener.events == ["picture.failed", "batch.done"]
    deliver_all()
    assert len(listener.heard) == 2  # not before its time
    listener.status = 200
    later(seconds=10)
    deliver_all()
    assert len(listener.heard) == 4
    assert listener.heard[2][1] in (listener.heard[0][1], listener.heard[1][1])
    later(days=30)
    deliver_all()
    assert len(listener.heard) == 4
    assert WebhookDelivery.objects.filter(delivered_at=None).count() == 0


def test_it_is_given_up_in_the_end(alice, listener):
    listener.close()
    alice.post(BATCHES, image=b"no picture", webhook__url=listener.url)
    work_through()
    for _ in range(len(webhooks.DELAYS) + 3):
        deliver_all()
        later(days=1)
    for delivery in WebhookDelivery.objects.all():
        assert delivery.attempts == len(webhooks.DELAYS) + 1
        assert (delivery.due_at, delivery.delivered_at) == (None, None)
        assert "did not accept" in delivery.last_answer


def test_addresses_that_are_not_public_are_never_told(alice, listener, settings):
    alice.post(BATCHES, image=b"no picture", webhook__url=listener.url)
    settings.IMAGE_URL_ALLOW = ()
    work_through()
    deliver_all()
    assert listener.heard == []
    assert "not public" in WebhookDelivery.objects.first().last_answer


def test_a_killed_sender_s_delivery_is_sent_again(alice, listener):
    alice.post(BATCHES, image=b"no picture", webhook__url=listener.url)
    work_through()
    WebhookDelivery.objects.update(due_at=timezone.now() + webhooks.LEASE)  # claimed, then killed
    deliver_all()
    assert listener.heard == []
    later(minutes=2)
    deliver_all()
    assert sorted(listener.events) == ["batch.done", "picture.failed"]


def test_a_slow_server_keeps_its_own_account_waiting(alice, bob, monkeypatch):
    """One after another, a thousand pictures of one account kept all others waiting for hours."""
    clock, told = [0.0], []

    def post(url, *args):
        told.append(url)
        clock[0] += 15 if "slow" in url else 1
        return 200

    monkeypatch.setattr(webhooks, "monotonic", lambda: clock[0])
    monkeypatch.setattr(webhooks.fetch, "post", post)
    monkeypatch.setattr(webhooks, "_queue", FairQueue())
    pictures = zip_of(**{f"{number}__jpg": b"no picture" for number in range(8)})
    for caller, server in ((alice, "slow"), (bob, "quick")):
        caller.post(BATCHES, zip=pictures, webhook__url=f"https://{server}.example/")
    work_through()
    deliver_all()
    assert len(told) == 18
    assert [url for url in told[:11] if "slow" in url] == ["https://slow.example/"] * 2
