"""The web server: waitress, which reads a whole request before it occupies a thread.

So slow uploads hold no thread, chunked bodies get a length, `Expect: 100-continue` is answered,
and a handler can ask whether its client is still connected.
"""

import logging
import os
import resource
import signal
import socket
import sqlite3
import struct
import sys
import threading
import time
import uuid
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask
from waitress.utilities import Error

from pixian_site import backup, maintenance, observing, sentry, spooling
from removal import errors
from removal.api.errors import error_code_of
from removal.api.middleware import open_to_scripts
from removal.api.refusals import refuse
from removal.batches import dispatcher, runner, webhooks
from removal.engine import memory
from removal.execution import pool

log = logging.getLogger(__name__)
# A request over the limit is still read up to this size, so that its client gets our JSON answer
# instead of a reset connection.
MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_HEADER_BYTES = 64 * 1024
CONNECTIONS = 2000  # further connections wait in the kernel
IDLE_SECONDS = 60  # an idle connection is closed
AT_ONCE = struct.pack("ii", 1, 0)  # lingering: switched on, for no time
# Threads that may wait for clients to read answers longer than waitress buffers (archives).
slow_readers = threading.BoundedSemaphore(max(1, settings.SERVER_THREADS // 4))
RECEIVE_BYTES = 128 * 1024  # at a time; smaller chunks cost more in the loop than the kernel


class Request(HTTPRequestParser):  # type: ignore[misc]
    """Records when its first byte arrived, and whether its body could be stored."""

    error: Error | None

    def __init__(self, adjustments: Any) -> None:
        super().__init__(adjustments)
        self.started = time.time()

    def received(self, data: bytes) -> int:
        consumed = int(super().received(data))
        if self.completed and self.error is None and self.body_rcv is not None:
            self.error = NoRoom("") if self.body_rcv.getbuf().failed else None
        return consumed


class TooSlow(Error):  # type: ignore[misc]
    code = 408
    reason = "Request Timeout"


class NoRoom(Error):  # type: ignore[misc]
    code = 503
    reason = "Service Unavailable"


class RefusalTask(ErrorTask):  # type: ignore[misc]
    """An error of the server itself, in the API's format."""

    def execute(self) -> None:
        answer = refusal(self.request.error, getattr(self.request, "path", "/"))
        self.status = f"{answer.status_code} {answer.reason_phrase}"
        self.response_headers.extend(answer.items())
        self.set_close_on_finish()
        self.content_length = len(answer.content)
        self.write(answer.content)


def refusal(error: Error, path: str) -> HttpResponse:
    """The response to a request that was not passed to Django."""
    request, request_id, started = HttpRequest(), uuid.uuid4().hex, time.perf_counter()
    request.path = request.path_info = path
    answer = refuse(request, failure_of(error, request_id))
    with observing.log_lines_of(request_id):
        observing.note(request, answer.status_code, error_code_of(answer), started)
    open_to_scripts(answer)
    answer["X-Request-Id"] = request_id
    return answer


def failure_of(error: Error, request_id: str) -> errors.RemovalError:
    match error.code:
        case 408:
            return errors.BodyTooSlow()
        case 413:
            return errors.TooManyBytes(f"The request has more than {MAX_BODY_BYTES:,} bytes.")
        case 503:
            return errors.EngineUnavailable(spooling.NO_ROOM)
        case 500:
            return errors.InternalError(request_id, settings.SUPPORT_EMAIL)
    return errors.MalformedBody(f"{error.reason}: {error.body}.")


class Channel(HTTPChannel):  # type: ignore[misc]
    parser_class = Request
    error_task_class = RefusalTask
    request: Request | None  # that is being received

    def readable(self) -> bool:
        """Called in every turn of the loop, at least once a second while the connection is open."""
        if self.request is not None and not self.requests and self._is_too_slow(time.time()):
            self._give_up()
        if self.total_outbufs_len and not self.requests and self._is_unread(time.time()):
            self._hang_up()  # an unread response occupies memory or disk
        return bool(super().readable())

    def _is_too_slow(self, now: float) -> bool:
        """Whether a request takes too long to arrive; it costs memory, though no thread."""
        assert self.request is not None
        age, silence = now - self.request.started, now - self.last_activity
        return (
            age > settings.SERVER_RECEIVE_SECONDS
            or silence > settings.SERVER_STALLED_SECONDS
            or (age > settings.SERVER_HEADER_SECONDS and not self.request.headers_finished)
        )

    def _is_unread(self, now: float) -> bool:
        return bool(now - self.last_activity > settings.SERVER_STALLED_SECONDS)

    def _give_up(self) -> None:
        with self.requests_lock:
            assert self.request is not None
            self.request.error = TooSlow("")
            self.request.completed = True
            self.requests.append(self.request)
            self.request = None
        self.server.add_task(self)

    def _flush_outbufs_below_high_watermark(self) -> None:
        """Block this thread until the client has read more; waitress would wait without a limit.

        Only for clients that do read, and for so few at once that threads stay free for others.
        """
        limit = self.adj.outbuf_high_watermark
        if self.total_outbufs_len <= limit:
            return
        has_turn = slow_readers.acquire(blocking=False)
        try:
            with self.outbuf_lock:
                self._flush_exception(self._flush_some, do_close=False)
                while self.connected and self.total_outbufs_len > limit:
                    if self.will_close or not has_turn or self._is_unread(time.time()):
                        self._hang_up()
                        return
                    self.server.pull_trigger()
                    self.outbuf_lock.wait(1)
        finally:
            if has_turn:
                slow_readers.release()

    def _hang_up(self) -> None:
        """Let the loop close the connection and throw away what the client has not read.

        Without lingering: the system would keep megabytes of it for minutes, for nobody.
        """
        self.connected, self.will_close = False, True
        with suppress(OSError):  # already closed
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            self.socket.shutdown(socket.SHUT_RDWR)
        self.server.pull_trigger()


def serve(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError if the address is not available."""
    memory.share_arenas()
    _allow_open_files()
    server = listen(host, port)
    for ending in (signal.SIGTERM, signal.SIGINT):  # shells let background jobs ignore SIGINT
        signal.signal(ending, _stop)
    if settings.REMOVAL_EXECUTION == "inline":  # otherwise workers do both
        pool.shared().start()
        maintenance.start()
        runner.start()
    else:
        dispatcher.start()
    webhooks.start()
    server.run()
    _end()


def _end() -> NoReturn:
    """End at once. With Python's normal shutdown, a thread inside the engine's C++ would abort the
    process; its work is retried, or its hold released, as after a crash.
    """
    _empty_log()
    sentry.flush()
    logging.shutdown()
    os._exit(0)


def _empty_log() -> None:
    """Empty the write-ahead log; SQLite does so at the last close, which exit_now skips."""
    try:
        backup.checkpoint()
    except sqlite3.Error as error:
        log.warning("The database's write-ahead log was not emptied: %s", error)


def listen(host: str, port: int) -> BaseWSGIServer:
    """A server that is bound to its address and waits for run()."""
    BaseWSGIServer.channel_class = Channel
    spooling.install()
    resolve("/")  # loads every view now instead of at the first request
    return create_server(
        get_wsgi_application(),  # imported late: WhiteNoise lists the static files at construction
        **_where(host, port),
        threads=settings.SERVER_THREADS,
        recv_bytes=RECEIVE_BYTES,
        max_request_body_size=MAX_BODY_BYTES,
        max_request_header_size=MAX_HEADER_BYTES,
        connection_limit=CONNECTIONS,
        channel_timeout=IDLE_SECONDS,
        channel_request_lookahead=1,  # lets a handler notice that its client disconnected
        asyncore_use_poll=True,
        ident=None,
        clear_untrusted_proxy_headers=False,  # pixian_site/proxies.py handles them
    )


def _where(host: str, port: int) -> dict[str, Any]:
    """`::` means every address of this machine, IPv4 and IPv6; waitress alone would take IPv6."""
    if not is_every_address(host):
        return {"host": host.strip("[]"), "port": port}
    listening = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return {"sockets": [listening]}


def is_every_address(host: str) -> bool:
    return host.strip("[]") == "::" and socket.has_dualstack_ipv6()


def _allow_open_files() -> None:
    """Raise the limit of open files: each connection needs one, and the default is often 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
