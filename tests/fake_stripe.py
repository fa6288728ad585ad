"""A small stateful Stripe for tests: the real client library talks to it over HTTP.

Every request that it gets and every object that it makes is held against Stripe's published
description (tests/stripe_openapi.py). What payers, banks and the dashboard do at Stripe are
methods here; each notes the events that Stripe would send, and `signed` makes deliveries of them.
"""

import hashlib
import hmac
import html
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .stripe_openapi import NotStripe, check_request, description, example

SECRET_KEY = "sk_test_fake"
WEBHOOK_SECRET = "whsec_fake"
API_VERSION = "2026-05-27.dahlia"
Object = dict[str, Any]


@dataclass
class FakeStripe:
    """`url` is the base address of its API; `deliver`, where set, gets each event at once."""

    sessions: dict[str, Object] = field(default_factory=dict)
    intents: dict[str, Object] = field(default_factory=dict)
    charges: dict[str, Object] = field(default_factory=dict)
    events: list[Object] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    headers: list[Message] = field(default_factory=list)  # of each request
    broken: list[NotStripe] = field(default_factory=list)
    deliver: Callable[[Object], None] | None = None
    # Faults: how many of the next requests get no answer before, or after, they had their effect.
    down: int = 0
    lose_answers: int = 0
    _replays: dict[str, tuple[str, Object]] = field(default_factory=dict)
    _numbers: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> "FakeStripe":
        description()  # takes seconds the first time, more than the client waits on a busy machine
        handler = type("Handler", (_Handler,), {"fake": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    # --- The API -----------------------------------------------------------------------------

    def create_session(self, form: Object, key: str) -> Object:
        """Idempotent as at Stripe: the same key and parameters give the first answer again."""
        parameters = check_request("post", "/v1/checkout/sessions", form)
        sent = json.dumps(parameters, sort_keys=True)
        with self._lock:
            if key not in self._replays:
                self._replays[key] = sent, self._new_session(parameters)
            if self._replays[key][0] != sent:
                raise IdempotencyConflict
            return self._replays[key][1]

    def _new_session(self, parameters: Object) -> Object:
        number = self._number("cs_test_")
        total = sum(
            line["price_data"]["unit_amount"] * line["quantity"]
            for line in parameters["line_items"]
        )
        session = example(
            "checkout.session",
            id=number,
            object="checkout.session",
            created=int(time.time()),
            expires_at=int(time.time()) + 86400,
            mode=parameters["mode"],
            status="open",
            payment_status="unpaid",
            amount_subtotal=total,
            amount_total=total,
            currency=parameters["line_items"][0]["price_data"]["currency"],
            client_reference_id=parameters.get("client_reference_id"),
            metadata=parameters.get("metadata"),
            payment_intent=None,
            success_url=parameters["success_url"],
            cancel_url=parameters["cancel_url"],
            url=f"{self.url}/pay/{number}",
        )
        session["_payment_metadata"] = parameters["payment_intent_data"]["metadata"]
        self.sessions[number] = session
        return session

    def expire_session(self, number: str, form: Object) -> Object:
        check_request("post", "/v1/checkout/sessions/{session}/expire", form)
        session = self.sessions[number]
        if session["status"] != "open":
            raise Refused('Only Checkout Sessions with a status in ["open"] can be expired.')
        self.expire(session)
        return session

    def create_refund(self, form: Object, key: str) -> Object:
        """Of all that is left, as the site asks for it; once for each key."""
        parameters = check_request("post", "/v1/refunds", form)
        with self._lock:
            if key not in self._replays:
                self._replays[key] = "", self._rest_of(parameters["payment_intent"])
            return self._replays[key][1]

    def _rest_of(self, intent: str) -> Object:
        session = next(s for s in self.sessions.values() if s["payment_intent"] == intent)
        left = session["amount_total"] - session.get("_refunded", 0)
        if left <= 0:
            raise Refused("Charge has already been refunded.")
        return self.refund(session, left)["data"]["object"]

    # --- What happens at Stripe --------------------------------------------------------------

    @property
    def session(self) -> Object:
        """The latest that was opened."""
        return list(self.sessions.values())[-1]

    def pay(self, session: Object, *, later: bool = False) -> Object:
        """The payer fills in the page; with `later`, by a method that takes days."""
        intent = self._number("pi_")
        self.intents[intent] = example(
            "payment_intent",
            id=intent,
            object="payment_intent",
            created=int(time.time()),
            status="processing" if later else "succeeded",
            metadata=session["_payment_metadata"],
        )
        self._charge(session, intent)
        paid = "unpaid" if later else "paid"
        session |= {"status": "complete", "payment_status": paid, "payment_intent": intent}
        return self._note("checkout.session.completed", session)

    def _charge(self, session: Object, intent: str) -> None:
        charge = session["_charge"] = self._number("ch_")
        self.charges[charge] = example(
            "charge",
            id=charge,
            object="charge",
            amount=session["amount_total"],
            currency=session["currency"],
            metadata=session["_payment_metadata"],
            payment_intent=intent,
            status="succeeded",
        )

    def arrive(self, session: Object) -> Object:
        session["payment_status"] = "paid"
        return self._note("checkout.session.async_payment_succeeded", session)

    def bounce(self, session: Object) -> Object:
        return self._note("checkout.session.async_payment_failed", session)

    def expire(self, session: Object) -> Object:
        session["status"] = "expired"
        return self._note("checkout.session.expired", session)

    def refund(self, session: Object, amount: int, status: str | None = "succeeded") -> Object:
        return self._note("refund.created", self._refund(session, amount, status))

    def fail_refund(self, event: Object) -> Object:
        refund = event["data"]["object"] | {"status": "failed"}
        intent = refund["payment_intent"]
        session = next(s for s in self.sessions.values() if s["payment_intent"] == intent)
        session["_refunded"] -= refund["amount"]
        return self._note("refund.failed", refund)

    def dispute(self, session: Object, amount: int, status: str = "needs_response") -> Object:
        dispute = example(
            "dispute",
            id=self._number("du_"),
            object="dispute",
            amount=amount,
            charge=session.get("_charge", "ch_1"),
            currency=session["currency"],
            payment_intent=session["payment_intent"],
            status=status,
        )
        return self._note("charge.dispute.created", dispute)

    def close_dispute(self, event: Object, status: str) -> Object:
        dispute = event["data"]["object"] | {"status": status}
        return self._note("charge.dispute.closed", dispute)

    def _refund(self, session: Object, amount: int, status: str | None) -> Object:
        session["_refunded"] = session.get("_refunded", 0) + amount
        return example(
            "refund",
            id=self._number("re_"),
            object="refund",
            amount=amount,
            charge=session.get("_charge"),
            created=int(time.time()),
            currency=session["currency"],
            payment_intent=session["payment_intent"],
            status=status,
        )

    def _note(self, kind: str, subject: Object) -> Object:
        visible = {key: value for key, value in subject.items() if not key.startswith("_")}
        event = example(
            "event",
            id=self._number("evt_"),
            object="event",
            type=kind,
            created=int(time.time()),
            api_version=API_VERSION,
            data={"object": json.loads(json.dumps(visible))},
        )
        self.events.append(event)
        if self.deliver:
            self.deliver(event)
        return event

    def _number(self, prefix: str) -> str:
        self._numbers += 1
        return f"{prefix}{self._numbers:024d}"


class Refused(Exception):
    """Stripe would not do it: it is too late."""


class IdempotencyConflict(Exception):
    """The same key with other parameters."""


def signed(event: Object, *, secret: str = WEBHOOK_SECRET, age: int = 0) -> tuple[bytes, str]:
    """The body of a delivery and its Stripe-Signature header."""
    body = json.dumps(event).encode()
    moment = int(time.time()) - age
    signature = hmac.new(secret.encode(), b"%d.%s" % (moment, body), hashlib.sha256).hexdigest()
    return body, f"t={moment},v1={signature}"


class _Handler(BaseHTTPRequestHandler):
    fake: FakeStripe

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith("/pay/"):
            return self._page(self._pay_page(path.removeprefix("/pay/")))
        return self._answer(self._get, path)

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        path = urlsplit(self.path).path
        if path.startswith("/pay/"):
            session = self.fake.sessions[path.removeprefix("/pay/")]
            self.fake.pay(session)
            self.send_response(303)
            self.send_header("Location", session["success_url"])
            self.end_headers()
            return None
        return self._answer(self._post, path, _nested(form))

    def _get(self, path: str) -> Object:
        form = _nested(urlsplit(self.path).query)
        if path == "/v1/events":
            wanted = check_request("get", path, form)
            found = [
                event
                for event in reversed(self.fake.events)
                if event["type"] in wanted["types"] and event["created"] >= wanted["created"]["gte"]
            ]
            return {"object": "list", "data": found, "has_more": False, "url": path}
        if named := re.fullmatch(r"/v1/payment_intents/(\w+)", path):
            check_request("get", "/v1/payment_intents/{intent}", form)
            return self.fake.intents[named[1]]
        if named := re.fullmatch(r"/v1/charges/(\w+)", path):
            check_request("get", "/v1/charges/{charge}", form)
            return self.fake.charges[named[1]]
        raise NotStripe(f"the fake has no GET {path}")

    def _post(self, path: str, form: Object) -> Object:
        if path == "/v1/refunds":
            return self.fake.create_refund(form, self.headers["Idempotency-Key"])
        if named := re.fullmatch(r"/v1/checkout/sessions/(\w+)/expire", path):
            return self.fake.expire_session(named[1], form)
        if path == "/v1/checkout/sessions":
            return self.fake.create_session(form, self.headers["Idempotency-Key"])
        raise NotStripe(f"the fake has no POST {path}")

    def _answer(self, action: Callable[..., Object], *arguments: Any) -> None:
        self.fake.requests.append((self.command, arguments[0]))
        self.fake.headers.append(self.headers)
        if self.fake.down:
            self.fake.down -= 1
            return self._hang_up()
        if self.headers["Authorization"] != f"Bearer {SECRET_KEY}":
            return self._error(401, "invalid_request_error", "Invalid API Key provided")
        try:
            answer = action(*arguments)
        except KeyError:
            return self._error(404, "invalid_request_error", "No such object")
        except Refused as error:
            return self._error(400, "invalid_request_error", str(error))
        except IdempotencyConflict:
            return self._error(400, "idempotency_error", "Keys for idempotent requests ...")
        except NotStripe as error:
            self.fake.broken.append(error)
            return self._error(400, "invalid_request_error", str(error))
        if self.fake.lose_answers:
            self.fake.lose_answers -= 1
            return self._hang_up()
        return self._json(200, {k: v for k, v in answer.items() if not k.startswith("_")})

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _error(self, status: int, kind: str, message: str) -> None:
        self._json(status, {"error": {"type": kind, "message": message}})

    def _json(self, status: int, answer: Object) -> None:
        self._send(status, "application/json", json.dumps(answer).encode())

    def _page(self, content: str) -> None:
        self._send(200, "text/html; charset=utf-8", content.encode())

    def _pay_page(self, number: str) -> str:
        cancel = html.escape(self.fake.sessions[number]["cancel_url"])
        return (
            "<!doctype html><html lang=en><title>Fake Checkout</title><form method=post>"
            f"<button>Pay</button></form><a href='{cancel}'>Back</a></html>"
        )

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing: pytest shows what matters."""


def _nested(form: str) -> Object:
    """`a[b][0]=c` as {"a": {"b": {"0": "c"}}}."""
    tree: Object = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        keys = re.findall(r"[^\[\]]+", name)
        node = tree
        for key in keys[:-1]:
            node = node.setdefault(key, {})
        node[keys[-1]] = value
    return tree
