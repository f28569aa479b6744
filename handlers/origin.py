"""Where a request comes from: its address behind trusted proxies, its request id, its trace."""

import ipaddress
import random
import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import count

from aiohttp import web

_REQUEST_ID = re.compile(r"^[\x21-\x7e]{1,64}$")
_TRACE = re.compile(r"^00-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})$")
_PREFIX = f"{random.SystemRandom().getrandbits(40):010x}-"
_numbers = count(1)
_spans = random.Random(_PREFIX)  # noqa: S311 - span ids are labels, not secrets


class Addresses:
    """Finds the client's address. ``trusted``: addresses or networks of proxies whose X-Forwarded-For is believed."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._trusted = [ipaddress.ip_network(network) for network in trusted]
        self._is_trusted = lru_cache(maxsize=4096)(self._lookup)

    def of(self, request: web.BaseRequest) -> str:
        """Return the nearest address that is no trusted proxy; what a stranger wrote into the header counts nothing."""
        address = request.remote or ""
        if not self._trusted or not self._is_trusted(address):
            return address
        hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        for hop in reversed(hops):
            if not (text := hop.strip()) or not _is_address(text):
                break
            address = text
            if not self._is_trusted(address):
                break
        return address

    def trust(self, peer: object) -> bool:
        """Whether a transport's ``peername`` is a trusted proxy."""
        return bool(self._trusted) and isinstance(peer, tuple) and self._is_trusted(peer[0])

    def _lookup(self, address: str) -> bool:
        return _is_address(address) and any(ipaddress.ip_address(address) in network for network in self._trusted)


def limit_key(address: str) -> str:
    """Whom an address stands for: an IPv6 customer has a /64, so its single addresses count as one."""
    if ":" not in address:
        return address
    return ":".join(_exploded(address).split(":")[:4])


@lru_cache(maxsize=4096)
def _exploded(address: str) -> str:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).exploded
    except ValueError:
        return address


def request_id(given: str | None) -> str:
    """Keep the caller's X-Request-ID if it is 1 to 64 visible ASCII characters; else make one."""
    if given is not None and _REQUEST_ID.match(given):
        return given
    return f"{_PREFIX}{next(_numbers)}"


def continue_trace(traceparent: str) -> str | None:
    """Continue a W3C trace with a span of our own; None when the header is not valid (then there is no trace)."""
    found = _TRACE.match(traceparent)
    if found is None:
        return None
    return f"00-{found['trace']}-{_spans.getrandbits(64) | 1:016x}-{found['flags']}"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
