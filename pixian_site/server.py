"""The web server: waitress, which takes a whole request before it costs a thread.

Slow uploads therefore hold no worker, chunked bodies arrive with a length, `Expect: 100-continue`
is answered, and a handler can ask whether its client is still there.
"""

import json
import signal
import sys
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask

from pixian_site import maintenance
from removal import readiness
from removal.engine import memory

# A request over the limit is still read up to this size, so that its client gets our JSON answer
# and not a reset connection.
MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_HEADER_BYTES = 64 * 1024
ERROR_CODES = {413: 1012, 500: 1500}  # of the server's own refusals; the rest are MALFORMED
MALFORMED = 1120


class JsonErrorTask(ErrorTask):  # type: ignore[misc]
    """What the server itself refuses, in the shape that all our errors have."""

    def execute(self) -> None:
        refusal = self.request.error
        message = f"{refusal.reason}: {refusal.body}."
        if refusal.code == 413:
            message = f"The request has more than {MAX_BODY_BYTES:,} bytes."
        code = ERROR_CODES.get(refusal.code, MALFORMED)
        error = {"status": refusal.code, "code": code, "message": message}
        body = json.dumps({"error": error}).encode()
        self.status = f"{refusal.code} {refusal.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = JsonErrorTask


def serve(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError where the address can't be had."""
    memory.share_arenas()
    BaseWSGIServer.channel_class = Channel
    server = create_server(
        get_wsgi_application(),  # only now: WhiteNoise lists the static files when it is made
        host=host,
        port=port,
        threads=settings.SERVER_THREADS,
        max_request_body_size=MAX_BODY_BYTES,
        max_request_header_size=MAX_HEADER_BYTES,
        connection_limit=2000,
        channel_timeout=60,
        channel_request_lookahead=1,  # lets a handler notice that its client hung up
        asyncore_use_poll=True,
        ident=None,
        **_behind_proxies(),
    )
    signal.signal(signal.SIGTERM, _stop)
    readiness.warm_in_background()
    maintenance.start()
    server.run()


def _behind_proxies() -> dict[str, Any]:
    """With TRUSTED_PROXIES=n, the n-th last entry of X-Forwarded-For is the client's address and
    X-Forwarded-Proto tells whether it came by HTTPS; without, such headers are thrown away."""
    if settings.TRUSTED_PROXIES == 0:
        return {"clear_untrusted_proxy_headers": True}
    return {
        "trusted_proxy": "*",
        "trusted_proxy_count": settings.TRUSTED_PROXIES,
        "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
        "clear_untrusted_proxy_headers": True,
    }


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
