"""Idempotent JSON endpoints: a repeated request gets the same response, without side effects."""

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from rest_framework.request import Request

from removal import idempotency
from removal.models import KeyedRequest

from .errors import request_id_of
from .views import user_of

Body = dict[str, Any]
Remember = Callable[[Body], None]


def once(
    request: Request, fingerprint: str, act: Callable[[Remember], None]
) -> tuple[Body, Mapping[str, str]]:
    """The body that `act` passed to its `remember`, and headers that mark a repetition.

    act: does the work; calls `remember` in the same transaction.
    Raises the errors of idempotency.claim.
    """
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    told: list[Body] = []
    if key is None:
        act(told.append)
        return told[0], {}
    request_id = request_id_of(request._request)
    row = idempotency.claim(user_of(request), key, fingerprint, request_id)
    if row.state == KeyedRequest.State.DONE:
        headers = {"X-Request-Id": row.request_id, "Idempotency-Replayed": "true"}
        return _unpacked(row.outcome), headers
    results = idempotency.KeyedResultStore(row)

    def remember(body: Body) -> None:
        results.remember(_packed(body), None)
        told.append(body)

    try:
        act(remember)
    except BaseException:
        results.give_up()
        raise
    return told[0], {}


def _packed(body: Body) -> dict[str, str]:
    """Compressed to fit into the row: a list of a thousand pictures is mostly repetition."""
    return {"body": base64.b64encode(zlib.compress(json.dumps(body).encode())).decode()}


def _unpacked(outcome: dict[str, str]) -> Body:
    body: Body = json.loads(zlib.decompress(base64.b64decode(outcome["body"])))
    return body
