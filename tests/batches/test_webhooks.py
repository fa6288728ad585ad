"""What a batch's owner is told: signed as documented, until it is taken."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db.models import F
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from accounts import services, webhook_secrets
from accounts.models import ApiKey, WebhookSecret
from removal.batches import webhooks
from removal.batches.fair_queue import FairQueue
from removal.models import WebhookDelivery
from removal.outbound.addresses import parse_allowed
from tests.api.conftest import Caller, new_caller

from .conftest import BATCHES, get, work_through, zip_of

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
    WebhookDelivery.objects.exclude(due_at=None).update(due_at=F("due_at") - timedelta(**time))


def test_each_picture_and_the_end_are_told(alice, portrait, listener):
    alice.post(BATCHES, image=portrait, webhook__url=listener.url)
    work_through()
    deliver_all()
    assert listener.events == ["picture.done", "batch.done"]
    told = json.loads(listener.heard[0][1])["data"]
    assert (told["number"], told["state"]) == (1, "done")
    assert told["creditsCharged"] > 0


def key_of(caller: Caller, **options: Any) -> Caller:
    """Another key of the caller's account."""
    return new_caller(caller.user.email, **options)


def told(caller, listener) -> tuple[str, dict[str, str], bytes]:
    """A webhook of the caller's batch: the secret that the answer names, its headers, its body."""
    answer = caller.post(BATCHES, image=b"no picture", webhook__url=listener.url).json()
    work_through()
    deliver_all()
    return answer["webhook"]["secret"], *listener.heard[-1]


def is_genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, {name.lower(): text for name, text in headers.items()})
    except WebhookVerificationError:
        return False
    return True


def test_the_public_library_accepts_it(alice, listener):
    secret, headers, body = told(alice, listener)
    assert is_genuine(secret, headers, body)
    assert not is_genuine(secret, headers, body.replace(b"batch", b"badge"))
    assert not is_genuine("whsec_" + "A" * 32, headers, body)
    message = json.loads(body)
    assert message["id"] == headers["webhook-id"] == headers["X-Webhook-Id"]
    assert message["type"] == message["event"] == "batch.done"
    assert datetime.fromisoformat(message["timestamp"]) <= timezone.now()


def test_receivers_of_before_go_on(alice, listener):
    """The header and the check that the documentation had."""
    secret, headers, body = told(alice, listener)
    parts = dict(part.partition("=")[::2] for part in headers["X-Webhook-Signature"].split(","))
    signed = f"{parts['t']}.".encode() + body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(parts["v1"], expected)


def test_each_key_has_a_secret_of_its_own(alice, listener):
    """A test-only key, which may be in many hands, learned what production is signed with."""
    testing = key_of(alice, test_only=True)
    production, *_ = told(alice, listener)
    secret, headers, body = told(testing, listener)
    assert secret != production
    assert is_genuine(secret, headers, body)
    assert not is_genuine(production, headers, body)


def test_the_secret_is_told_to_the_key_that_made_the_batch_alone(alice, listener):
    made = alice.post(BATCHES, image=b"no picture", webhook__url=listener.url).json()
    other = key_of(alice)
    seen = get(other, f"{BATCHES}/{made['id']}").json()
    assert seen["webhook"] == {"url": listener.url}
    assert get(alice, f"{BATCHES}/{made['id']}").json()["webhook"] == made["webhook"]


def test_while_a_secret_is_replaced_both_sign(alice, listener):
    before, *_ = told(alice, listener)
    webhook_secrets.replace(alice.key, timedelta(hours=1))
    after, headers, body = told(alice, listener)
    assert after != before
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert is_genuine(before, headers, body)
    assert is_genuine(after, headers, body)
    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=False):
        signing = webhook_secrets.signing(alice.key)
    assert signing == [after]


def test_one_that_is_ended_at_once_signs_no_more(alice, listener):
    before, *_ = told(alice, listener)
    webhook_secrets.replace(alice.key, timedelta(hours=1))
    webhook_secrets.replace(alice.key, timedelta(0))
    after, headers, body = told(alice, listener)
    assert is_genuine(after, headers, body)
    assert not is_genuine(before, headers, body)
    assert len(headers["webhook-signature"].split(" ")) == 1


def test_replacements_in_a_row_do_not_add_up(alice):
    for _ in range(10):
        webhook_secrets.replace(alice.key, timedelta(days=7))
    assert WebhookSecret.objects.filter(api_key=alice.key).count() == webhook_secrets.MOST
    assert len(webhook_secrets.signing(alice.key)) == webhook_secrets.MOST


def test_receivers_of_before_hear_the_secret_they_know_while_it_is_replaced(alice, listener):
    before, *_ = told(alice, listener)
    webhook_secrets.replace(alice.key, timedelta(hours=1))
    _, headers, body = told(alice, listener)
    parts = dict(part.partition("=")[::2] for part in headers["X-Webhook-Signature"].split(","))
    signed = f"{parts['t']}.".encode() + body
    assert parts["v1"] == hmac.new(before.encode(), signed, hashlib.sha256).hexdigest()


def test_a_replaced_api_key_hands_its_secret_on(alice, listener):
    before, *_ = told(alice, listener)
    new, _secret = services.rotate(alice.key, timedelta(0))
    assert webhook_secrets.signing(new) == [before]


def test_changing_secret_key_as_documented_changes_no_secret(alice, listener, settings):
    before, *_ = told(alice, listener)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "the new key"
    assert told(alice, listener)[0] == before
    call_command("reencrypt_secrets")
    settings.SECRET_KEY_FALLBACKS = []
    secret, headers, body = told(alice, listener)
    assert secret == before
    assert is_genuine(before, headers, body)


def test_what_cannot_be_signed_is_not_sent_and_not_lost(alice, listener, settings):
    """SECRET_KEY is lost, and with it what was sealed under it."""
    settings.SECRET_KEY = "another key"
    answer = alice.post(BATCHES, image=b"no picture", webhook__url=listener.url)
    assert answer.status_code == 201
    assert "secret" not in answer.json()["webhook"]
    work_through()
    deliver_all()
    assert listener.heard == []
    webhook_secrets.replace(alice.key, timedelta(0))
    later(seconds=10)
    deliver_all()
    assert len(listener.heard) == 2
    assert all(is_genuine(webhook_secrets.signing(alice.key)[0], *one) for one in listener.heard)


def test_of_a_deleted_key_nothing_is_sent(alice, listener):
    alice.post(BATCHES, image=b"no picture", webhook__url=listener.url)
    ApiKey.objects.filter(pk=alice.key.pk).delete()
    work_through()
    deliver_all()
    assert listener.heard == []


def test_a_receiver_that_says_gone_is_told_no_more(alice, listener):
    listener.status = 410
    told(alice, listener)
    assert WebhookDelivery.objects.filter(due_at=None, delivered_at=None).count() == 2


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
    monkeypatch.setattr("removal.outbound.fetch.post", post)
    monkeypatch.setattr(webhooks, "_queue", FairQueue())
    pictures = zip_of(**{f"{number}__jpg": b"no picture" for number in range(8)})
    for caller, server in ((alice, "slow"), (bob, "quick")):
        caller.post(BATCHES, zip=pictures, webhook__url=f"https://{server}.example/")
    work_through()
    deliver_all()
    assert len(told) == 18
    assert [url for url in told[:11] if "slow" in url] == ["https://slow.example/"] * 2
