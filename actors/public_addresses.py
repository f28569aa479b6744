"""Connections to where other people point: to public addresses only, whatever a name resolves to.

A house stands inside somebody's network. Without this, an endpoint that anybody may register could make it call what
only that network reaches: a database, a router, the cloud's metadata.
"""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

_NAT64 = IPv6Network("64:ff9b::/96")  # an IPv4 address, written for networks that have IPv6 only
_UNICAST = IPv6Network("2000::/3")  # all that has been handed out of IPv6 so far
_PROTOCOLS = IPv4Network("192.0.0.0/24")  # some Pythons take parts of it for global


class PrivateAddress(OSError):  # noqa: N818 - reads as what was found
    """The address is not for everybody, so that nothing connects to it from here."""

    def __init__(self) -> None:
        super().__init__("not a public address")


def is_public(address: str) -> bool:
    """Whether an IP address, of either version, belongs to the public internet; those inside of others are looked at.

    Raises:
        ValueError: it is not an IP address.
    """
    found = ip_address(address.partition("%")[0])
    inner = _inner(found) if isinstance(found, IPv6Address) else None
    return _is_global(found if inner is None else inner)


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    is_handed_out = address in _UNICAST if isinstance(address, IPv6Address) else address not in _PROTOCOLS
    return is_handed_out and address.is_global and not address.is_multicast


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a packet to this one would reach by way of a translator or a tunnel."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def open_session(*, allow_private: bool, timeout_seconds: float, connections: int) -> ClientSession:
    """Make a client for addresses that other people choose; call inside the event loop, and close it at the end.

    The last moment decides: an address is looked at when its socket is made, after any name has been resolved, so that
    a name which answers differently the second time gains nothing. A refusal is a `ClientConnectorError` whose
    ``os_error`` is `PrivateAddress`. Redirects are the caller's to switch off.
    """
    connector = TCPConnector(
        limit=connections, limit_per_host=connections // 2, socket_factory=None if allow_private else _public_socket
    )
    return ClientSession(
        connector=connector,
        timeout=ClientTimeout(total=timeout_seconds),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,  # a proxy would connect for us, wherever it is asked to
    )


def _public_socket(where: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, address = where
    if not is_public(address[0]):
        raise PrivateAddress
    return socket.socket(family=family, type=kind, proto=protocol)
