"""Many people and their rooms, made through the house's own interface."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.client import Connection
from bench.house import House, Person

CALLERS = 16

CROWDED = {
    # What a crowd at the doors would wait for is no part of what is measured after they are in.
    "POSTHOUSE_AUTH_ARGON2_MEMORY_KIB": "8",
    "POSTHOUSE_AUTH_ARGON2_PASSES": "1",
    # One client of the benchmark sends as fast as it is answered.
    "POSTHOUSE_REALTIME_COMMANDS_PER_SECOND": "1000000",
    "POSTHOUSE_REALTIME_COMMANDS_BURST": "1000000",
}
"""Settings of a house that is to have a crowd."""


@asynccontextmanager
async def callers(url: str) -> AsyncIterator[list[Connection]]:
    """A few connections to call through at the same time, each from one task."""
    connections = [await Connection.open(url) for _ in range(CALLERS)]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()


async def gather(url: str, count: int) -> list[Person]:
    """Make accounts, a few at a time."""
    people: list[Person] = []
    crowd = secrets.token_hex(4)

    async def register(connection: Connection, numbers: range) -> None:
        for number in numbers:
            name = f"bench_{crowd}_{number}"
            body = {"username": name, "email": f"{name}@example.org", "password": f"password of {name}"}
            answer = await connection.json("POST", "/api/v1/users/register", body, expect=201)
            people.append(Person(answer["user"]["id"], answer["access_token"]))

    async with callers(url) as connections:
        shares = (range(k, count, CALLERS) for k in range(CALLERS))
        await asyncio.gather(*map(register, connections, shares))
    return people


async def open_room(url: str, people: Sequence[Person]) -> str:
    """Make a group of these people; the first one owns it. Return its id."""
    body = {"kind": "group", "name": "bench", "members": [person.id for person in people[1:]]}
    connection = await Connection.open(url, people[0].token)
    answer = await connection.json("POST", "/api/v1/chats", body, expect=201)
    connection.close()
    return str(answer["id"])


def furnish(house: House, count: int, sizes: Sequence[int], path: Path) -> None:
    """Write what ``chat_client.py`` reads: people's tokens, and rooms of each size (for 10 rooms of 20: ``20``).

    Room k of size s holds the people from k * s on; there are 10 rooms at most.
    """

    async def make() -> dict[str, Any]:
        people = await gather(house.url, count)
        rooms = {
            str(size): [await open_room(house.url, people[k : k + size]) for k in range(0, min(count, 10 * size), size)]
            for size in sizes
        }
        return {"tokens": [person.token for person in people], "rooms": rooms}

    path.write_text(json.dumps(asyncio.run(make())))
