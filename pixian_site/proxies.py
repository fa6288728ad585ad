"""Finds the client's address and scheme behind trusted proxies.

With TRUSTED_PROXIES=n the n-th last entry of X-Forwarded-For and of X-Forwarded-Proto counts,
because each proxy appends what it saw; if a proxy writes a single entry, that one counts.
Forwarded (RFC 7239) is read if both are missing. Without proxies all three are discarded, because
any client can send them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from removal.api.refusals import refuse
from removal.errors import MalformedBody

GetResponse = Callable[[HttpRequest], HttpResponseBase]
FOR, PROTO, BOTH = "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED"
NAMES = {FOR: "X-Forwarded-For", PROTO: "X-Forwarded-Proto", BOTH: "Forwarded"}
FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_")
SCHEMES = ("http", "https")
# RFC 7239: an address, an IPv6 address in brackets, with or without a port.
_BRACKETED = re.compile(r"\[(?P<address>[^\]]*)\](?::\d{1,5})?")
_WITH_PORT = re.compile(r"(?P<address>\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}")
_HIDDEN = re.compile(r"unknown|_[A-Za-z0-9._-]+", re.IGNORECASE)
_PAIR = re.compile(r'\s*([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]+))\s*')


class Unreadable(ValueError):
    """The header of this META name holds something that no proxy writes."""


@dataclass(frozen=True, slots=True)
class Client:
    """The client's address and scheme from the headers; "" if missing."""

    address: str = ""
    scheme: str = ""


class ProxiesMiddleware:
    """Puts the client's address and scheme into the WSGI environment."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        count = settings.TRUSTED_PROXIES
        try:
            client = client_of(request.META, count) if count else Client()
        except Unreadable as error:
            return refuse(request, _refusal(str(error)))
        request.META["REMOTE_ADDR"] = client.address or plain(request.META.get("REMOTE_ADDR", ""))
        if client.scheme:
            request.META["wsgi.url_scheme"] = client.scheme
        for name in [name for name in request.META if name.startswith(FORWARDED)]:
            del request.META[name]
        return self.get_response(request)


def client_of(headers: Mapping[str, str], count: int) -> Client:
    """Raises Unreadable."""
    if headers.get(FOR, "").strip() or headers.get(PROTO, "").strip():
        return Client(
            _address(_nth_last(headers.get(FOR, ""), count), FOR),
            _scheme(_nth_last(headers.get(PROTO, ""), count), PROTO),
        )
    hops = _forwarded(headers.get(BOTH, ""))
    if not hops:
        return Client()
    hop = hops[-count:][0]
    return Client(_address(hop.get("for", ""), BOTH), _scheme(hop.get("proto", ""), BOTH))


def plain(address: str) -> str:
    """Write an IPv4-mapped IPv6 address as plain IPv4, and others without their zone."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    # Without the zone of a link-local address, which databases do not take.
    return str(parsed.ipv4_mapped or IPv6Address(int(parsed)))


def _nth_last(header: str, count: int) -> str:
    entries = [entry.strip().strip('"') for entry in header.split(",") if entry.strip()]
    return entries[-count:][0] if entries else ""


def _address(text: str, header: str) -> str:
    """ "" if the proxy does not send it: then the socket's own scheme counts."""
    if not text or _HIDDEN.fullmatch(text):
        return ""
    found = _BRACKETED.fullmatch(text) or _WITH_PORT.fullmatch(text)
    try:
        parsed = ip_address(found["address"] if found else text)
    except ValueError:
        raise Unreadable(header) from None
    return plain(str(parsed))


def _scheme(text: str, header: str) -> str:
    if text and text.lower() not in SCHEMES:
        raise Unreadable(header)
    return text.lower()


def _forwarded(header: str) -> list[dict[str, str]]:
    """The hops of a Forwarded header, each as its pairs."""
    hops: list[dict[str, str]] = []
    at, is_new = 0, True
    while at < len(header):
        if header[at] in ";, \t":  # also several: elements may be empty
            is_new |= header[at] == ","
            at += 1
            continue
        found = _PAIR.match(header, at)
        if found is None:
            raise Unreadable(BOTH)
        name, quoted, token = found.groups()
        if is_new:
            hops.append({})
        is_new = False
        hops[-1][name.lower()] = token if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        at = found.end()
        if at < len(header) and header[at] not in ";,":
            raise Unreadable(BOTH)
    if header.strip() and not hops:
        raise Unreadable(BOTH)
    return hops


def _refusal(header: str) -> MalformedBody:
    return MalformedBody(
        f"The header {NAMES[header]} cannot be read. Leave it out; if you sent none, the "
        "operator's proxy does: it has to write the client's address, and http or https."
    )
