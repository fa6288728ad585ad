"""Fetches a caller's URL without giving the caller access to our network.

FetchError
├── FetchFailed     the URL is malformed, or the server behind it can't be talked to
├── AddressRefused  forbidden: the scheme, port, credentials or a non-public address
├── FetchTooSlow    the connection or the whole fetch took too long
├── NotAnImageAnswer it answered, but not with a picture: an HTTP error, a page, nothing
├── FetchTooLarge   it has, or declares, more bytes than are allowed
└── FetchCancelled  the caller has disconnected

Messages name neither IP addresses nor any part of the URL, which may hold secrets.
"""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any, TypeVar

import aiohttp
from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import AbstractResolver
from yarl import URL

from removal.engine.reading.headers import sniff

from .addresses import HOST_NAME, Allowed, may_reach

Answer = TypeVar("Answer")
MAX_URL_CHARACTERS = 8_000  # the minimum that RFC 9110 asks every server to support
POLL_SECONDS = 0.25  # how soon a fetch notices that its caller has disconnected
USER_AGENT = "pixian-site (fetches pictures that its users point to)"
HEADERS = {
    "Accept": "image/*, application/octet-stream;q=0.9, */*;q=0.1",
    "Accept-Encoding": "identity",
}
REDIRECTS = frozenset({301, 302, 303, 307, 308})
OPAQUE_TYPES = frozenset({"application/octet-stream", "binary/octet-stream"})
# Content types that servers also use for pictures, for downloads or by default. The bytes decide.
VAGUE_TYPES = frozenset(
    {
        "text/plain", "application/binary", "application/x-binary", "application/x-octet-stream",
        "application/download", "application/x-download", "application/force-download",
        "application/x-force-download", "application/unknown", "application/x-unknown",
    }
)  # fmt: skip
SNIFFED_BYTES = 64
COMPRESSIONS = frozenset({"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"})

# Below 1024 only HTTP's own ports, so that nobody reaches mail or name servers through us; above,
# all except those that the Fetch Standard ("port blocking") forbids.
WELL_KNOWN_PORTS = frozenset({80, 443})
BLOCKED_PORTS = frozenset({1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566}) | {
    *(6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080)
}

_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")
_PLAIN = re.compile(r"[!-~]+")


class FetchError(Exception):
    """Base of all; `str(error)` may be shown to anyone."""


class FetchFailed(FetchError):
    pass


class AddressRefused(FetchError):
    pass


class FetchTooSlow(FetchError):
    pass


class NotAnImageAnswer(FetchError):
    pass


class FetchTooLarge(FetchError):
    pass


class FetchCancelled(FetchError):
    pass


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """The limits of one fetch with all its redirects; `connect_seconds` applies to each."""

    max_bytes: int
    total_seconds: float
    connect_seconds: float
    max_redirects: int
    allow: tuple[Allowed, ...] = ()


def _never() -> bool:
    return False


def fetch(
    url: str,
    limits: FetchLimits,
    *,
    cancelled: Callable[[], bool] = _never,
    resolver: AbstractResolver | None = None,
) -> bytes:
    """Return the response body of the URL, at least one byte, not decoded.

    Blocks the calling thread for at most `total_seconds`; the work has a thread of its own, so that
    the caller may run an event loop itself.
    cancelled: called every 0.25 s in that other thread; true stops the fetch.
    resolver: looks up host names; by default as the system does.
    Raises FetchError.
    """
    work = _bounded(_follow(checked(url), limits, resolver), limits, cancelled)
    with ThreadPoolExecutor(1, "fetch") as worker:
        return worker.submit(asyncio.run, work).result()


def post(
    url: str,
    body: bytes,
    headers: dict[str, str],
    limits: FetchLimits,
    *,
    resolver: AbstractResolver | None = None,
) -> int:
    """POST `body` under the same rules; the HTTP status. The response body is not read, and
    redirects are not followed. Raises FetchError."""
    work = _bounded(_send(checked(url), body, headers, limits, resolver), limits, _never)
    with ThreadPoolExecutor(1, "post") as worker:
        return worker.submit(asyncio.run, work).result()


async def _bounded(
    task: Coroutine[Any, Any, Answer], limits: FetchLimits, cancelled: Callable[[], bool]
) -> Answer:
    asyncio.get_running_loop().set_default_executor(_Abandoning(max_workers=1))
    work = asyncio.create_task(task)
    try:
        async with asyncio.timeout(limits.total_seconds):
            while not cancelled():
                done, _ = await asyncio.wait({work}, timeout=POLL_SECONDS)
                if done:
                    return work.result()
    except TimeoutError:
        raise FetchTooSlow(
            f"The URL took too long: the whole picture must arrive within "
            f"{limits.total_seconds:g} seconds."
        ) from None
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    raise FetchCancelled("The caller has disconnected.")


class _Abandoning(ThreadPoolExecutor):
    """Runs a name lookup, which can't be interrupted, without blocking the loop's end."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=True)


async def _follow(url: URL, limits: FetchLimits, resolver: AbstractResolver | None) -> bytes:
    for _ in range(limits.max_redirects + 1):
        answer = await _ask(url, limits, resolver)
        if isinstance(answer, bytes):
            return answer
        url = answer
    raise FetchFailed(
        f"The URL could not be fetched: it redirects more than {limits.max_redirects} times."
    )


async def _ask(url: URL, limits: FetchLimits, resolver: AbstractResolver | None) -> bytes | URL:
    """One request: the body, or the URL of a redirect."""
    async with (
        _session(url, limits, resolver) as session,
        session.get(url, headers=HEADERS, allow_redirects=False) as response,
    ):
        location = response.headers.get("Location")
        if response.status in REDIRECTS and location is not None:
            return checked(location, base=url)
        return await _body(response, limits.max_bytes)


async def _send(
    url: URL,
    body: bytes,
    headers: dict[str, str],
    limits: FetchLimits,
    resolver: AbstractResolver | None,
) -> int:
    async with (
        _session(url, limits, resolver) as session,
        session.post(url, data=body, headers=headers, allow_redirects=False) as response,
    ):
        return response.status


@asynccontextmanager
async def _session(
    url: URL, limits: FetchLimits, resolver: AbstractResolver | None
) -> AsyncIterator[aiohttp.ClientSession]:
    """A session for one request through the guard; its errors become FetchError."""
    guard = _Guard(url.host or "", limits.allow)
    connector = aiohttp.TCPConnector(
        resolver=resolver or aiohttp.ThreadedResolver(),
        socket_factory=guard.open,
        use_dns_cache=False,
        force_close=True,
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT},
        timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect_seconds),
        auto_decompress=False,
        trust_env=False,  # no proxy and no .netrc: both would bypass the guard
    )
    with _transport_errors(guard, limits):
        try:
            async with session:
                yield session
        finally:
            guard.hang_up()


class _Guard:
    """Opens the sockets of one request; no connection begins elsewhere."""

    def __init__(self, host: str, allow: tuple[Allowed, ...]) -> None:
        self._host = host
        self._allow = allow
        self._opened: list[socket.socket] = []
        self.refused = False

    def open(self, info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if not may_reach(self._host, str(address[0]), self._allow):
            self.refused = True
            raise PermissionError("refused")
        self._opened.append(socket.socket(family, kind, protocol))
        return self._opened[-1]

    def hang_up(self) -> None:
        """Close sockets that the client left open: its TLS shutdown waits for silent peers."""
        for opened in self._opened:
            with suppress(OSError):  # closed already, as it should be
                opened.shutdown(socket.SHUT_RDWR)


async def _body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    _check_headers(response)
    if (response.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    async for chunk in response.content.iter_any():
        is_told = len(body) >= SNIFFED_BYTES
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
        if len(body) >= SNIFFED_BYTES and not is_told:
            _check_kind(response.content_type, body)
    if not body:
        raise NotAnImageAnswer("The URL answered with no bytes at all instead of a picture.")
    _check_kind(response.content_type, body)
    return bytes(body)


def _check_kind(kind: str, body: bytearray) -> None:
    """Refuse text pages before reading them; the message names their content type."""
    if kind in VAGUE_TYPES and sniff(bytes(body[:SNIFFED_BYTES])) is None:
        raise _not_a_picture(kind)


def _not_a_picture(kind: str) -> NotAnImageAnswer:
    return NotAnImageAnswer(
        f"The URL answered with content type {kind[:80]!r} instead of a picture (image/*)."
    )


def _check_headers(response: aiohttp.ClientResponse) -> None:
    if response.status != 200:
        raise NotAnImageAnswer(
            f"The URL answered with HTTP status {response.status} instead of a picture (200)."
        )
    kind = response.content_type  # application/octet-stream where the header is missing
    if not kind.startswith("image/") and kind not in OPAQUE_TYPES | VAGUE_TYPES:
        raise _not_a_picture(kind)
    codings = response.headers.get("Content-Encoding", "").lower().split(",")
    if COMPRESSIONS.intersection(coding.strip() for coding in codings):
        raise NotAnImageAnswer(
            "The URL answered with a compressed transfer (Content-Encoding) that was not asked "
            "for. Send the picture as it is."
        )


def _too_large(max_bytes: int) -> FetchTooLarge:
    return FetchTooLarge(
        f"The picture at the URL is too large; an image may have up to {max_bytes:,} bytes."
    )


def checked(text: str, base: URL | None = None) -> URL:
    """The validated URL; `base` is the URL of a redirect. Raises FetchError.

    A host name's addresses are not checked here but when the socket opens.
    """
    text = text.strip(" \t\r\n")
    if len(text) > MAX_URL_CHARACTERS:
        raise FetchFailed(
            f"The URL has {len(text):,} characters; at most {MAX_URL_CHARACTERS:,} are allowed."
        )
    if _UNSAFE.search(text):
        raise FetchFailed("The URL holds a backslash or a control character.")
    try:
        # Encoded characters stay unchanged, since a signature may cover the exact spelling.
        url = URL(text, encoded=_PLAIN.fullmatch(text) is not None)
        url = base.join(url) if base is not None else url
        host, port = url.raw_host, url.port
    except ValueError:
        raise FetchFailed("The URL is not well-formed.") from None
    if url.scheme not in {"http", "https"}:
        raise AddressRefused("The URL must begin with http:// or https://.")
    if url.user is not None or url.password is not None:
        raise AddressRefused("The URL must not contain a user name or password.")
    _check_host(host or "")
    if port not in WELL_KNOWN_PORTS and (port is None or port < 1024 or port in BLOCKED_PORTS):
        raise AddressRefused(
            "The URL's port is not allowed. Allowed are 80, 443 and those from 1024 up that no "
            "other protocol than HTTP is known for."
        )
    return url


def _check_host(host: str) -> None:
    """Refuse address spellings on which parsers disagree: 2130706433, 0x7f.1, 127.1."""
    try:
        IPv6Address(host)
    except AddressValueError:
        if not HOST_NAME.fullmatch(host):
            raise FetchFailed("The URL has no valid host name.") from None
    else:
        return
    if re.fullmatch(r"\d+|0x[0-9a-f]*", host.rstrip(".").rpartition(".")[2], re.IGNORECASE):
        try:
            IPv4Address(host)
        except AddressValueError:
            raise AddressRefused(
                "The URL names a numeric address in an unusual form. Write it as four decimal "
                "numbers, or use a host name."
            ) from None


_TRANSPORT_FAILURES: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "its host name could not be resolved"),
    (aiohttp.ClientConnectorCertificateError, "its TLS certificate is not valid"),
    (aiohttp.ClientSSLError, "no TLS connection could be agreed on"),
    (aiohttp.ClientConnectorError, "its server did not accept the connection"),
    (aiohttp.ClientPayloadError, "the answer broke off before its end"),
    (aiohttp.ClientResponseError, "the answer is not valid HTTP"),
    (aiohttp.ClientError, "its server closed the connection"),
    (ValueError, "its host name is not valid"),
    (OSError, "the connection failed"),
)


@contextmanager
def _transport_errors(guard: _Guard, limits: FetchLimits) -> Iterator[None]:
    """Translate the client's errors, without their text: it holds addresses and the whole URL."""
    try:
        yield
    except TimeoutError:
        raise FetchTooSlow(
            f"The URL took too long: its server did not accept a connection within "
            f"{limits.connect_seconds:g} seconds."
        ) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        if guard.refused:
            raise AddressRefused(
                "The URL leads to an address that is not public. Only public addresses are fetched."
            ) from None
        reason = next(words for kind, words in _TRANSPORT_FAILURES if isinstance(error, kind))
        raise FetchFailed(f"The URL could not be fetched: {reason}.") from None
