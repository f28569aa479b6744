"""Memory per connected idle socket of a running house.

    python bench/sockets.py ws://127.0.0.1:8080/connection/websocket --tokens FILE --pid PID -n 10000

``FILE`` holds access tokens, one per line; each is used for as many sockets as a user may have (``--per-token``).
``PID`` is the house's process. Prints one JSON line: sockets, bytes per socket, seconds to connect them all.
Both sides need file descriptors: ``ulimit -n`` above the number of sockets.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

_AT_ONCE = 50
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class Idle(asyncio.Protocol):
    """A client that connects, subscribes to a channel if there is one, and then only answers pings."""

    def __init__(self, hello: bytes, token: str, channel: str) -> None:
        self.connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hello = hello
        commands = [{"id": 1, "connect": {"token": token}}, {"id": 2, "subscribe": {"channel": channel}}]
        said = commands if channel else commands[:1]
        self._connect = frame("\n".join(map(json.dumps, said)).encode())
        self._end = b'"subscribe":{' if channel else b'"connect":'
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._hello)

    def data_received(self, data: bytes) -> None:
        """Connect after the handshake, note the reply, answer pings."""
        assert self._transport is not None
        if self.connected.done():
            if data.endswith(b"{}"):
                self._transport.write(frame(b"{}"))
            return
        before, self._received = self._received, self._received + data
        if b"\r\n\r\n" in self._received and b"\r\n\r\n" not in before:
            self._transport.write(self._connect)
        if self._end in self._received:
            self.connected.set_result(None)
            self._received = b""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - by contract
        """Fail whoever waits for the connection."""
        if not self.connected.done():
            self.connected.set_exception(ConnectionError(f"closed: {self._received[-200:]!r}"))


def frame(payload: bytes) -> bytes:
    """Return a text frame as clients send it; its mask is zero, which is allowed and free."""
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process (Linux)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES


async def open_sockets(url: str, tokens: Sequence[str], channels: Sequence[str] = ()) -> None:
    """Open one socket per token, some at a time; each is subscribed to the channel in the same place, if any."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    hello = _HANDSHAKE.format(path=parts.path, host=parts.netloc).encode()
    loop = asyncio.get_running_loop()
    clients = list(zip_longest(tokens, channels, fillvalue=""))
    for start in range(0, len(clients), _AT_ONCE):
        part = clients[start : start + _AT_ONCE]
        made = await asyncio.gather(
            *(loop.create_connection(partial(Idle, hello, *client), host, port) for client in part)
        )
        await asyncio.gather(*(protocol.connected for _, protocol in made))


async def measure(url: str, tokens: Sequence[str], pid: int, channels: Sequence[str] = ()) -> dict[str, float]:
    """Return the figures. The first sockets are opened before the count begins: they pay for what all share."""
    await open_sockets(url, tokens[:_AT_ONCE], channels[:_AT_ONCE])
    await asyncio.sleep(1)
    before, counted = resident_bytes(pid), tokens[_AT_ONCE:]
    started = time.perf_counter()
    await open_sockets(url, counted, channels[_AT_ONCE:])
    seconds = time.perf_counter() - started
    await asyncio.sleep(2)
    grown = resident_bytes(pid) - before
    return {"sockets": len(counted), "bytes_per_socket": round(grown / len(counted)), "seconds": round(seconds, 2)}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--tokens", type=Path, required=True)
    parser.add_argument("--per-token", type=int, default=10)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("-n", type=int, default=10_000)
    asked = parser.parse_args()
    lines = asked.tokens.read_text().split()
    tokens = [token for token in lines for _ in range(asked.per_token)][: asked.n]
    print(json.dumps(asyncio.run(measure(asked.url, tokens, asked.pid))))


if __name__ == "__main__":
    main()
