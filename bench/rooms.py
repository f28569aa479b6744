"""What rooms cost: a long one to look at, many that rest, sockets that listen to them."""

import asyncio
import contextlib
import itertools
import json
import random
import statistics
import time
from collections.abc import AsyncIterator, Sequence

from bench import sockets
from bench.client import Connection
from bench.crowd import CALLERS, gather, open_room
from bench.house import House, Person

PEOPLE = 20
WRITERS = 40
SHORT = 100
LOOKS = 200
SYLLABLES = ("ka", "lo", "mi", "ne", "pu", "ra", "si", "to", "vu", "zen")
WORDS = ["".join(word) for word in itertools.product(SYLLABLES, repeat=3)]
PASSIVE_SECONDS = 240.0
"""An actor that has nothing to do is forgotten after one to two minutes."""


async def look(url: str, count: int) -> dict[str, dict[str, float]]:
    """Median ms of every way to look into a room, for one with 100 messages and one with ``count``, in turns."""
    people = await gather(url, PEOPLE)
    short, long = await open_room(url, people), await open_room(url, people)
    await _fill(url, people, short, SHORT)
    await _fill(url, people, long, count)
    connection = await Connection.open(url, people[0].token)
    found = {"unread": await _compare(connection, "", (short, SHORT), (long, count))}
    for room, size in ((short, SHORT), (long, count)):
        await connection.json("PUT", f"/api/v1/chats/{room}/read", {"seq": size}, expect=204)
    for name, path in {
        "chat": "",
        "newest page": "/messages?limit=50",
        "page after the middle": "/messages?limit=50&after={middle}",
        "page before the middle": "/messages?limit=50&before={middle}",
        "search": "/messages?limit=20&q={word}",
    }.items():
        found[name] = await _compare(connection, path, (short, SHORT), (long, count))
    connection.close()
    return found


async def _fill(url: str, people: Sequence[Person], room: str, count: int) -> None:
    """Let everybody write at the same time; each message is some words and its number."""
    numbers = iter(range(count))

    async def write(person: Person) -> None:
        connection, words = await Connection.open(url, person.token), random.Random(person.id)
        for number in numbers:
            content = f"{' '.join(words.choices(WORDS, k=8))} {number}"
            await connection.json("POST", f"/api/v1/chats/{room}/messages", {"content": content}, expect=201)
        connection.close()

    await asyncio.gather(*(write(person) for person, _ in zip(itertools.cycle(people), range(WRITERS), strict=False)))


async def _compare(connection: Connection, path: str, *rooms: tuple[str, int]) -> dict[str, float]:
    times: list[list[float]] = [[] for _ in rooms]
    words = random.Random(7)
    for _ in range(LOOKS):
        word = words.choice(WORDS)
        for (room, size), seconds in zip(rooms, times, strict=True):
            started = time.perf_counter()
            await connection.call("GET", f"/api/v1/chats/{room}" + path.format(middle=size // 2, word=word))
            seconds.append(time.perf_counter() - started)
    short, long = (statistics.median(seconds) * 1e3 for seconds in times)
    return {"short_ms": round(short, 2), "long_ms": round(long, 2), "ratio": round(long / short, 2)}


async def found_pairs(url: str, count: int) -> list[tuple[Person, str]]:
    """Make direct chats of so many pairs; return each with one of its two people."""
    people = await gather(url, next(n for n in itertools.count(2) if n * (n - 1) // 2 >= count))
    pairs = itertools.islice(itertools.combinations(people, 2), count)
    rooms: list[tuple[Person, str]] = []

    async def found() -> None:
        for one, other in pairs:
            async with _opened(url, one) as connection:
                body = {"kind": "direct", "member": other.id}
                answer = await connection.json("POST", "/api/v1/chats", body, expect=201)
            rooms.append((one, answer["id"]))

    await asyncio.gather(*(found() for _ in range(CALLERS)))
    return rooms


async def rest(house: House, rooms: Sequence[tuple[Person, str]]) -> dict[str, float]:
    """Bytes per room that has just been active, and per room once all of them have been forgotten again.

    The house must have been started after the rooms were made. A hundred of them pay for what all share.
    """
    await _wake(house.url, rooms[:100])
    await asyncio.sleep(1)
    before, counted = sockets.resident_bytes(house.pid), rooms[100:]
    started = time.perf_counter()
    await _wake(house.url, counted)
    seconds = time.perf_counter() - started
    active = sockets.resident_bytes(house.pid) - before
    until = time.monotonic() + PASSIVE_SECONDS
    while await _active(house) > len(rooms) // 10 and time.monotonic() < until:  # noqa: ASYNC110 - another process
        await asyncio.sleep(5)
    passive = sockets.resident_bytes(house.pid) - before
    return {
        "rooms": len(counted), "activated_per_second": round(len(counted) / seconds),
        "bytes_per_active_room": round(active / len(counted)), "bytes_per_idle_room": round(passive / len(counted)),
        "still_active": await _active(house),
    }  # fmt: skip


async def _wake(url: str, rooms: Sequence[tuple[Person, str]]) -> None:
    """Ask each room something that it must be active for: to take back a message that is not there."""
    left = iter(rooms)

    async def wake() -> None:
        for person, room in left:
            async with _opened(url, person) as connection:
                await connection.call("DELETE", f"/api/v1/chats/{room}/messages/{room}", expect=404)

    await asyncio.gather(*(wake() for _ in range(CALLERS)))


async def _active(house: House) -> int:
    key = json.loads((house.data / "operator.json").read_bytes())["api_key"]
    connection = await Connection.open(house.url, key)
    kinds = (await connection.json("GET", "/api/system/actors"))["items"]
    connection.close()
    return int(next(kind["active"] for kind in kinds if kind["kind"] == "chat"))


async def found_rooms(url: str, count: int) -> list[tuple[Person, str]]:
    """Make so many people, in rooms of 20; return each with their room."""
    people = await gather(url, count)
    rooms = [await open_room(url, people[k : k + PEOPLE]) for k in range(0, count, PEOPLE)]
    return [(person, rooms[k // PEOPLE]) for k, person in enumerate(people)]


async def listen(house: House, listeners: Sequence[tuple[Person, str]]) -> dict[str, float]:
    """Bytes per connected socket that is subscribed to a room of 20; without that: ``bench sockets``.

    The house must have been started after the rooms were made.
    """
    url = house.url.replace("http", "ws", 1) + "/connection/websocket"
    tokens, channels = [person.token for person, _ in listeners], [f"chat:{room}" for _, room in listeners]
    return await sockets.measure(url, tokens, house.pid, channels)


@contextlib.asynccontextmanager
async def _opened(url: str, person: Person) -> AsyncIterator[Connection]:
    connection = await Connection.open(url, person.token)
    try:
        yield connection
    finally:
        connection.close()
