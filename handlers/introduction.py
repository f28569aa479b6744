"""What a balancer says before the first byte of a connection: whose connection it is (PROXY protocol, version 1).

``PROXY TCP4 203.0.113.9 127.0.0.1 51234 8080`` and the end of the line. Only a trusted proxy is listened to; from
everybody else these are bytes like others, which HTTP refuses.

Source: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, section 2.1.
"""

import asyncio
import ipaddress
from collections.abc import Callable

LINE_BYTES = 107  # the longest that version 1 allows, with its end
_BEGIN = b"PROXY "


class Introduction(asyncio.Protocol):
    """Stands before ``behind`` until the first line has come, then hands the connection over and is gone.

    ``introduced`` is called with the client's address and port, before ``behind`` gets its first byte. A connection
    that begins with something else (a proxy that uses X-Forwarded-For) is handed over as it is.
    """

    def __init__(self, behind: asyncio.Protocol, introduced: Callable[[tuple[str, int]], None]) -> None:
        self._behind = behind
        self._introduced = introduced
        self._transport: asyncio.Transport | None = None
        self._read = b""

    def stand_before(self, transport: asyncio.Transport) -> None:
        """Take the place of ``behind``."""
        self._transport = transport
        transport.set_protocol(self)

    def data_received(self, data: bytes) -> None:
        """Wait for a whole line, unless it is none from the beginning."""
        self._read += data
        if not _BEGIN.startswith(self._read[: len(_BEGIN)]):
            self._hand_over(self._read)
        elif len(self._read) >= len(_BEGIN):
            line, end, rest = self._read.partition(b"\r\n")
            if end:
                self._take(line, rest)
            elif len(self._read) >= LINE_BYTES:
                self._cut()

    def _take(self, line: bytes, rest: bytes) -> None:
        try:
            client = read_line(line)
        except ValueError:
            self._cut()
            return
        if client is not None:
            self._introduced(client)
        self._hand_over(rest)

    def _hand_over(self, data: bytes) -> None:
        assert self._transport is not None  # noqa: S101 - it stands before somebody
        self._transport.set_protocol(self._behind)
        if data:
            self._behind.data_received(data)

    def _cut(self) -> None:
        assert self._transport is not None  # noqa: S101 - it stands before somebody
        self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell who stands behind."""
        self._behind.connection_lost(error)

    def pause_writing(self) -> None:
        """Tell who stands behind."""
        self._behind.pause_writing()

    def resume_writing(self) -> None:
        """Tell who stands behind."""
        self._behind.resume_writing()


def read_line(line: bytes) -> tuple[str, int] | None:
    """Return the client's address and port; None where the proxy speaks for itself (``UNKNOWN``).

    Raises:
        ValueError: this is no such line.
    """
    if line.startswith(b"PROXY UNKNOWN"):
        return None
    words = line.decode("ascii").split(" ")
    if len(words) != 6 or words[1] not in {"TCP4", "TCP6"} or not words[4].isdecimal() or int(words[4]) > 65_535:
        raise ValueError("not a line of the PROXY protocol")
    address = ipaddress.ip_address(words[2])
    if address.version != int(words[1][3]):
        raise ValueError("an address of another family")
    return str(address), int(words[4])


def write_line(client: tuple[str, int], here: tuple[str, int]) -> bytes:
    """Return the line that introduces ``client``, who has connected to ``here``."""
    family = "TCP6" if ":" in client[0] else "TCP4"
    return f"PROXY {family} {client[0]} {here[0]} {client[1]} {here[1]}\r\n".encode()
