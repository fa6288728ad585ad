"""Decides which addresses the server may connect to for a caller: public ones, and allowed ones.

An attacker may choose the URL and own name servers, so only a socket's address counts, never a
host name. `ipaddress` knows the private ranges; the tables below add ranges that it calls global
although they host no pictures or embed another address.
"""

import re
from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Network = IPv4Network | IPv6Network
Allowed = Network | str
"""An operator's exception: a network, or a lower-case host name with all its addresses."""

HOST_NAME = re.compile(
    r"(?=.{1,253}\.?\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?",
    re.IGNORECASE | re.ASCII,
)

_IPV4_REFUSED = tuple(
    map(
        IPv4Network,
        (
            "192.0.0.0/24",  # protocol assignments: DS-Lite, NAT64 discovery
            "192.88.99.0/24",  # relays of 6to4, withdrawn by RFC 7526
            "168.63.129.16/32",  # Azure's metadata service
            "224.0.0.0/4",  # multicast
        ),
    )
)
_IPV6_PUBLIC = IPv6Network("2000::/3")  # global unicast: all allocated addresses
_IPV6_REFUSED = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, among them Teredo, which embeds an IPv4 address
            "2002::/16",  # 6to4, which embeds an IPv4 address; withdrawn by RFC 7526
            "3fff::/20",  # documentation
        ),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the real destination


def may_reach(host: str, address: str, allow: Iterable[Allowed]) -> bool:
    """Whether a socket to the numeric `address` may be opened for a URL with `host`."""
    try:
        destination = _destination(address)
    except ValueError:
        return False  # a name here would be resolved again, unchecked
    name = host.lower().rstrip(".")
    return is_public(destination) or any(_covers(rule, name, destination) for rule in allow)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether the address is public according to the IANA registries."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _IPV4_REFUSED)
    return (
        address.is_global
        and address in _IPV6_PUBLIC
        and not any(address in network for network in _IPV6_REFUSED)
    )


def parse_allowed(values: Iterable[str]) -> tuple[Allowed, ...]:
    """Read an operator's list, such as `10.0.0.0/8`, `192.168.1.5` or `pictures.intranet`.

    Raises ValueError, naming the value, for anything else.
    """
    return tuple(_parse_rule(value.strip()) for value in values if value.strip())


def _parse_rule(value: str) -> Allowed:
    try:
        return ip_network(value)
    except ValueError as error:
        name = value.lower().rstrip(".")
        if not HOST_NAME.fullmatch(name) or name.rpartition(".")[2].isdigit():
            raise ValueError(
                f"{value!r} is neither a network such as 10.0.0.0/8 nor a host name: {error}"
            ) from None
        return name


def _destination(address: str) -> IPv4Address | IPv6Address:
    """The real destination: an IPv4 address is extracted from its IPv6 form."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return parsed.ipv4_mapped
        if parsed in _NAT64:
            return IPv4Address(int(parsed) & 0xFFFFFFFF)
    return parsed


def _covers(rule: Allowed, host: str, address: IPv4Address | IPv6Address) -> bool:
    if isinstance(rule, str):
        return rule == host
    return address in rule
