"""Fetch what a caller's URL points to, without becoming the caller's way into our network.

FetchError
├── FetchFailed     the URL is malformed, or the server behind it can't be talked to
├── AddressRefused  we would not ask there, whatever it answered: a scheme, port, credentials
│                   or an address that is not public
├── FetchTooSlow    the connection or the whole took too long
├── NotAnImageAnswer it answered, but not with a picture: an HTTP error, a page, nothing
├── FetchTooLarge   it has, or says it has, more bytes than are allowed
└── FetchCancelled  whoever asked is gone

Sentences name neither the addresses reached nor any part of the URL: it may hold secrets.
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
MAX_URL_CHARACTERS = 8_000  # what RFC 9110 asks every server to take at least
POLL_SECONDS = 0.25  # how soon a fetch notices that nobody waits for it any more
USER_AGENT = "pixian-site (fetches pictures that its users point to)"
HEADERS = {
    "Accept": "image/*, application/octet-stream;q=0.9, */*;q=0.1",
    "Accept-Encoding": "identity",
}
REDIRECTS = frozenset({301, 302, 303, 307, 308})
OPAQUE_TYPES = frozenset({"application/octet-stream", "binary/octet-stream"})
# What servers also say of pictures: they want them saved, or know no better. The bytes decide.
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
# all but those that the Fetch Standard ("port blocking") keeps from browsers.
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
    """What one fetch may cost, all its redirects together; `connect_seconds` counts for each."""

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
    """Return the body that the URL answers with, at least one byte, never decoded.

    Blocks the calling thread for at most `total_seconds`; the work has a thread of its own, so that
    the caller may run an event loop itself.
    cancelled: asked every 0.25 s from that other thread; true stops the fetch.
    resolver: looks up host names; the system's way is the default.
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
    """Send `body` under the same rules; the HTTP status. The answer's body is not read, and a
    redirect is not followed. Raises FetchError."""
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
    raise FetchCancelled("Nobody waits for the picture any more.")


class _Abandoning(ThreadPoolExecutor):
    """Runs a name lookup, which can't be interrupted: the loop's end does not wait for it."""

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
    """One request: the body, or the URL that it redirects to."""
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
    """For one request, through the guard; its errors become ours."""
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
        trust_env=False,  # no proxy and no .netrc: both would lead around the guard
    )
    with _transport_errors(guard, limits):
        try:
            async with session:
                yield session
        finally:
            guard.hang_up()


class _Guard:
    """Opens the sockets of one request; the one place through which a connection begins."""

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
        """End what the client left open: it would wait for a silent peer to take leave of TLS."""
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
    """Give a page of text up at its beginning, under the name that its server gave it."""
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
    """The URL to ask, if its form is one we ask; `base` is where a redirect comes from. FetchError.

    Where a host name leads is not decided here but when the socket opens.
    """
    text = text.strip(" \t\r\n")
    if len(text) > MAX_URL_CHARACTERS:
        raise FetchFailed(
            f"The URL has {len(text):,} characters; at most {MAX_URL_CHARACTERS:,} are allowed."
        )
    if _UNSAFE.search(text):
        raise FetchFailed("The URL holds a backslash or a control character.")
    try:
        # What is already encoded stays as it is, since a signature may cover its exact spelling.
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
    """Refuse the spellings of an address that parsers disagree about: 2130706433, 0x7f.1, 127.1."""
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
    """The errors of the client as ours. They hold addresses and the whole URL, so none is kept."""
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
