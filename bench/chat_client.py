"""The peers' load client for chats, with one more protocol: ours. It takes the place of their ``client.py`` in a copy.

Theirs lies beside it as ``peers_client.py`` and runs unchanged: clients, rooms, paces, what counts as a delivery.
For a contestant of protocol ``centrifuge`` its clients are `Centrifuge`, and the line it prints also holds ``stored``
(messages that the house has added to its rooms meanwhile), ``house_us`` and ``database_us`` (processor time per
message, in microseconds, of the house and of the PostgreSQL that it brings along), and ``bad`` (refused messages).

Environment: BENCH_CHAT, a JSON file of `bench.crowd`: ``tokens`` of people, ``rooms`` by size; room k of size s has
the people from k * s on.
"""

import asyncio
import contextlib
import io
import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import uvloop

_END = "uvloop.run(main())"
_POLL_SECONDS = 0.005


def theirs() -> dict[str, Any]:
    """The names of the peers' client, which would run as soon as it is imported."""
    path = Path(__file__).with_name("peers_client.py")
    source, end, _ = path.read_text().rpartition(_END)
    assert end, "the peers' client ends as it always did"
    names: dict[str, Any] = {"__name__": "peers_client"}
    exec(compile(source, str(path), "exec"), names)
    return names


def protocol(names: dict[str, Any], world: dict[str, Any]) -> type:
    """`Centrifuge`, made of the peers' client for JSON over WebSocket."""
    frame, state, size = names["wsframe"], names["st"], names["a"].room
    tokens, rooms = world["tokens"], world["rooms"][str(size)]
    json_over_websocket: Any = names["Json"]

    class Centrifuge(json_over_websocket):  # type: ignore[misc]  # theirs has no types
        """Connects, subscribes to its room, publishes to it; answers pings."""

        stage: int

        def opened(self) -> None:
            self.channel = f"chat:{rooms[self.i // size]}"
            self.number = 2
            connect = {"id": 1, "connect": {"token": tokens[self.i]}}
            subscribe = {"id": 2, "subscribe": {"channel": self.channel}}
            self.tr.write(frame(f"{json.dumps(connect)}\n{json.dumps(subscribe)}".encode()))

        def hello(self) -> None:
            if self.stage == 0 and b"\r\n\r\n" in self.buf:
                assert b" 101 " in self.buf[:40], self.buf[:200]
                self.stage = 1
                self.opened()
            if b'{"id":2,' in self.buf:
                assert b'{"id":2,"subscribe":' in self.buf, self.buf[-300:]
                self.ok()

        def data_received(self, data: bytes) -> None:
            if self.joined and (b"\x02{}" in data or b"\n{}" in data):
                self.tr.write(frame(b"{}"))
            if self.joined and b',"error":{' in data:
                state["bad"] = state.get("bad", 0) + 1
            super().data_received(data)

        def emit(self, text: str) -> None:
            self.number += 1
            said = '{"id":%d,"publish":{"channel":"%s","data":{"kind":"text","content":"%s"}}}'
            self.tr.write(frame((said % (self.number, self.channel, text)).encode()))

    return Centrifuge


def stored(address: str, world: dict[str, Any], size: int) -> int:
    """How many messages the rooms of this size hold, by their newest one's number."""
    return sum(_newest(address, room, world["tokens"][k * size]) for k, room in enumerate(world["rooms"][str(size)]))


def _newest(address: str, room: str, token: str) -> int:
    request = urllib.request.Request(
        f"http://{address}/api/v1/chats/{room}", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        newest = json.load(answer)["last_message"]
    return newest["seq"] if newest else 0


def processor_seconds(address: str) -> tuple[float, float]:
    """What the house at this address has used until now, and its children: PostgreSQL."""
    port = int(address.rpartition(":")[2])
    sockets: list[Any] = psutil.net_connections("tcp4")
    house = psutil.Process(next(one.pid for one in sockets if one.status == "LISTEN" and one.laddr.port == port))
    used = [sum(process.cpu_times()[:2]) for process in (house, *house.children(recursive=True))]
    return used[0], sum(used[1:])


async def measured(names: dict[str, Any], address: str, used: list[float]) -> None:
    """Run their client, and note what the house uses while theirs counts."""
    running = asyncio.ensure_future(names["main"]())
    state = names["st"]
    while not state["on"] and not running.done():  # noqa: ASYNC110 - theirs is a flag, no event
        await asyncio.sleep(_POLL_SECONDS)
    before = processor_seconds(address)
    while state["on"]:  # noqa: ASYNC110
        await asyncio.sleep(_POLL_SECONDS)
    used += [after - was for after, was in zip(processor_seconds(address), before, strict=True)]
    await running


def ours() -> None:
    """Be a contestant of protocol ``centrifuge``."""
    sys.argv[1] = "json"  # the one whose class is replaced
    address, names, world = sys.argv[2], theirs(), json.loads(Path(os.environ["BENCH_CHAT"]).read_bytes())
    arguments, used = names["a"], list[float]()
    names["Json"] = protocol(names, world)
    before = stored(address, world, arguments.room)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        uvloop.run(measured(names, address, used))
    found = json.loads(said.getvalue())
    count = max(1.0, found["msgs"] * arguments.secs)
    found["house_us"], found["database_us"] = (round(seconds / count * 1e6, 1) for seconds in used)
    found["stored"] = stored(address, world, arguments.room) - before
    found["bad"] = names["st"].get("bad", 0)
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["centrifuge"]:
        ours()
    else:
        peers = theirs()
        uvloop.run(peers["main"]())
