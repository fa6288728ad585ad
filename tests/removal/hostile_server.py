"""A small HTTP server that behaves as badly as its path says, and name servers that lie.

It speaks over plain sockets, because an HTTP library would refuse to send most of this.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import unquote_to_bytes

from aiohttp.abc import AbstractResolver, ResolveResult

PICTURE = b"\x89PNG not looked at by the fetch"
DRIP_SECONDS = 0.02


class HostileServer:
    """Answers on an address of this machine; `connections` counts all that reached it."""

    def __init__(self, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self.requests: list[str] = []
        self.address = address
        self._tls = tls
        self._closing = threading.Event()
        if ":" in address:
            dual = socket.has_dualstack_ipv6()
            self._listener = socket.create_server(
                (address, 0), family=socket.AF_INET6, dualstack_ipv6=dual
            )
        else:
            self._listener = socket.create_server((address, 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def url(self, path: str = "/picture") -> str:
        return f"http://{self.address}:{self.port}{path}"

    def close(self) -> None:
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=[connection], daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        # A client that hangs up in the middle of such answers is what the tests want.
        with suppress(OSError), connection:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                head = _read_head(connection)
                self.requests.append(head)
                target = head.split(" ")[1] if head.startswith("GET ") else ""
                for part in self._answer(target):
                    if self._closing.is_set():
                        return
                    connection.sendall(part)

    def _answer(self, target: str) -> Iterator[bytes]:
        path, _, argument = target.partition("?")
        yield from BEHAVIOURS.get(path, _not_found)(argument)


def _read_head(connection: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head:
        received = connection.recv(4096)
        head += received
        if not head.startswith(b"GET "):  # a TLS handshake, or a client that went away
            break
    return head.decode("latin-1")


def answer(body: bytes = PICTURE, status: str = "200 OK", **headers: str) -> bytes:
    """A whole, correct answer; `headers` name theirs with underscores, an empty one is left out."""
    fields = {"Content_Type": "image/png", "Content_Length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items() if value]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1") + body


def _dripping(parts: Iterable[bytes]) -> Iterator[bytes]:
    for part in parts:
        time.sleep(DRIP_SECONDS)
        yield part


def _for_ever(part: bytes) -> Iterator[bytes]:
    while True:
        yield part


def _endless(first: bytes, part: bytes) -> Callable[[str], Iterator[bytes]]:
    def behave(_argument: str) -> Iterator[bytes]:
        yield first
        yield from _for_ever(part)

    return behave


def _slow(first: bytes, part: bytes) -> Callable[[str], Iterator[bytes]]:
    def behave(_argument: str) -> Iterator[bytes]:
        yield first
        yield from _dripping(_for_ever(part))

    return behave


def _fixed(*parts: bytes) -> Callable[[str], Iterator[bytes]]:
    return lambda _argument: iter(parts)


def _redirect(argument: str) -> Iterator[bytes]:
    """`/redirect?LOCATION`, percent-encoded: sent as raw bytes, as careless servers do."""
    yield answer(b"", status="302 Elsewhere", Location=unquote_to_bytes(argument).decode("latin-1"))


def _redirect_by(argument: str) -> Iterator[bytes]:
    """`/redirect-by?STATUS` leads to /picture."""
    yield answer(b"", status=f"{argument} Elsewhere", Location="/picture")


def _not_found(_argument: str) -> Iterator[bytes]:
    yield answer(b"", status="404 Not Found")


def _status(argument: str) -> Iterator[bytes]:
    yield answer(b"", status=f"{argument} Status")


def _typed(argument: str) -> Iterator[bytes]:
    yield answer(Content_Type=argument)


def _encoded(argument: str) -> Iterator[bytes]:
    yield answer(Content_Encoding=argument)


OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"
BEHAVIOURS: dict[str, Callable[[str], Iterator[bytes]]] = {
    "/picture": _fixed(answer()),
    "/folder/picture": _fixed(answer()),
    "/a%2Fb": _fixed(answer()),
    "/redirect": _redirect,
    "/redirect-by": _redirect_by,
    "/loop": _fixed(answer(b"", status="302 Round", Location="/loop")),
    "/nowhere": _fixed(answer(b"", status="302 Nowhere")),
    "/status": _status,
    "/typed": _typed,
    "/encoded": _encoded,
    "/empty": _fixed(answer(b"")),
    "/until-close": _fixed(OK_HEAD + b"\r\n" + PICTURE),
    "/chunked": _fixed(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    "/cookie": _fixed(answer(b"", status="302 Again", Location="/picture", Set_Cookie="a=b")),
    "/silence": _slow(b"", b""),
    "/slow-status": _slow(b"HTTP/1.1 200 ", b"O"),
    "/slow-headers": _slow(OK_HEAD, b"X-Drip: drip\r\n"),
    "/slow-body": _slow(OK_HEAD + b"Content-Length: 50000\r\n\r\n", b"x"),
    "/slow-hints": _slow(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "/slow-chunks": _slow(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "/endless-body": _endless(OK_HEAD + b"\r\n", b"x" * 65_536),
    "/endless-chunks": _endless(
        OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"
    ),
    "/endless-headers": _endless(OK_HEAD, b"X-More: " + b"x" * 1000 + b"\r\n"),
    "/endless-line": _endless(b"HTTP/1.1 200 ", b"x" * 1000),
    "/huge-length": _fixed(OK_HEAD + b"Content-Length: 99999999999\r\n\r\n", b"x"),
    "/short-body": _fixed(OK_HEAD + b"Content-Length: 100\r\n\r\n", b"x"),
    "/short-chunk": _fixed(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"64\r\nx"),
    "/long-body": _fixed(OK_HEAD + b"Content-Length: 3\r\n\r\n", b"abc and more"),
    "/two-lengths": _fixed(OK_HEAD + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\n", b"abc"),
    "/negative-length": _fixed(OK_HEAD + b"Content-Length: -1\r\n\r\n", b"abc"),
    "/bad-chunk": _fixed(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"zz\r\nabc\r\n"),
    "/not-http": _fixed(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "/hang-up": _fixed(),
}


@contextmanager
def serving(address: str = "127.0.0.1", tls: ssl.SSLContext | None = None):
    server = HostileServer(address, tls)
    try:
        yield server
    finally:
        server.close()


class NameServer(AbstractResolver):
    """Gives each name its next answer at each question, the last one from then on."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = answers
        self.questions: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.questions.append(host)
        answers = self._answers.get(host.lower().split(".")[0])
        if not answers:
            raise OSError("no such name")
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [self._result(host, address, port) for address in addresses]

    @staticmethod
    def _result(host: str, address: str, port: int) -> ResolveResult:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return ResolveResult(
            hostname=host, host=address, port=port, family=family, proto=0, flags=0
        )

    async def close(self) -> None:
        pass
