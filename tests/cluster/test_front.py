"""The front: bytes pass as they are, houses hear whose they are, and whoever cannot serve is passed over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import pytest

from app.cluster import front as front_module
from app.cluster import place as place_module
from app.cluster.front import Front
from app.cluster.place import Place


class FakeHouse:
    """A server that says ``/ready``, and otherwise its name and whatever it is told, in capitals."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.status = 200
        self.answers = True
        self.introductions: list[bytes] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in self._writers:
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            line = await reader.readuntil(b"\r\n")
            if line.startswith(b"GET /ready"):
                while not self.answers:
                    await asyncio.sleep(0.05)
                writer.write(b"HTTP/1.1 %d x\r\n\r\nbody" % self.status)
            else:
                self.introductions.append(line)
                writer.write(self.name.encode() + b"\n")
                while data := await reader.read(65_536):
                    writer.write(data.upper())
                    await writer.drain()
            writer.close()
        self._writers.discard(writer)


class World:
    """Some houses, and a front before them."""

    def __init__(self, houses: list[FakeHouse], places: list[Place], front: Front, port: int) -> None:
        self.houses = houses
        self.places = places
        self.front = front
        self.port = port

    async def connect(self) -> tuple[str, asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection, and the name of its house."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        name = (await asyncio.wait_for(reader.readline(), 5)).decode().strip()
        return name, reader, writer

    async def names(self, count: int) -> list[str]:
        """The houses that so many connections at the same time are led to."""
        found = [await self.connect() for _ in range(count)]
        for _, _, writer in found:
            writer.transport.abort()
        async with asyncio.timeout(10):
            while any(place.connections for place in self.places):
                await asyncio.sleep(0.01)
        return [name for name, _, _ in found]

    async def until(self, number: int, *, ready: bool) -> None:
        """Wait for the front to notice."""
        async with asyncio.timeout(10):
            while self.places[number].is_ready != ready:
                await asyncio.sleep(0.01)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(place_module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(place_module, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(place_module, "FROZEN_SECONDS", 1.5)
    monkeypatch.setattr(front_module, "PATIENCE_SECONDS", 0.3)
    async with AsyncExitStack() as stack:
        houses = [FakeHouse(name) for name in ("one", "two", "three")]
        for house in houses:
            await house.start()
            stack.push_async_callback(house.stop)
        places = [Place(house.name, "127.0.0.1", house.port, lambda _: None) for house in houses]
        for place in places:
            stack.callback(asyncio.create_task(place.watch()).cancel)
        front = Front(places, max_connections=60)
        url = await front.open("127.0.0.1", 0)
        stack.push_async_callback(front.cut)
        stack.callback(front.close)
        world = World(houses, places, front, int(url.rpartition(":")[2]))
        for number in range(3):
            await world.until(number, ready=True)
        yield world


async def test_connections_are_spread_evenly_and_nobody_is_bound_to_a_house(world: World) -> None:
    names = await world.names(30)
    assert {name: names.count(name) for name in names} == {"one": 10, "two": 10, "three": 10}


async def test_a_house_hears_whose_connection_it_is(world: World) -> None:
    _, _, writer = await world.connect()
    host, port = writer.get_extra_info("sockname")
    [line] = [line for house in world.houses for line in house.introductions]
    assert line == f"PROXY TCP4 {host} 127.0.0.1 {port} {world.port}\r\n".encode()
    writer.close()


async def test_much_passes_in_both_directions_and_an_end_is_passed_on(world: World) -> None:
    _, reader, writer = await world.connect()
    sent = b"abcdefgh" * 1_000_000

    async def send() -> None:
        writer.write(sent)
        await writer.drain()
        writer.write_eof()

    sending = asyncio.create_task(send())
    assert await asyncio.wait_for(reader.read(-1), 20) == sent.upper()
    await sending
    writer.close()


async def test_who_does_not_read_makes_the_house_wait_and_not_the_front_grow(world: World) -> None:
    _, _, writer = await world.connect()
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(b"x" * 100_000_000)
    await asyncio.sleep(0.5)
    before = writer.transport.get_write_buffer_size()
    await asyncio.sleep(0.3)
    assert writer.transport.get_write_buffer_size() == before > 50_000_000, "it was taken without being read"
    writer.transport.abort()


async def test_a_house_that_is_not_ready_gets_nobody_new_and_keeps_whom_it_has(world: World) -> None:
    found = [await world.connect() for _ in range(3)]
    [(reader, writer)] = [(reader, writer) for name, reader, writer in found if name == "two"]
    world.houses[1].status = 503
    await world.until(1, ready=False)
    beside = [await world.connect() for _ in range(8)]
    assert {name for name, _, _ in beside} == {"one", "three"}
    writer.write(b"still here\n")
    assert await asyncio.wait_for(reader.readline(), 5) == b"STILL HERE\n"
    for _, _, one in found + beside:
        one.transport.abort()


async def test_a_house_that_has_just_died_is_passed_over_before_anybody_has_looked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place_module, "LOOK_SECONDS", 60)
    await asyncio.sleep(0.1)
    await world.houses[0].stop()
    world.places[0].is_ready = True
    assert set(await world.names(12)) == {"two", "three"}


async def test_its_clients_hear_of_its_death_and_are_welcome_again_when_it_is_back(world: World) -> None:
    found = [await world.connect() for _ in range(3)]
    await world.houses[2].stop()
    [reader] = [reader for name, reader, _ in found if name == "three"]
    with suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    await world.until(2, ready=False)
    await world.houses[2].start()
    await world.until(2, ready=True)
    for _, _, one in found:
        one.transport.abort()
    assert "three" in await world.names(3)


async def test_a_frozen_house_loses_its_clients(world: World) -> None:
    found = [await world.connect() for _ in range(3)]
    [reader] = [reader for name, reader, _ in found if name == "one"]
    world.houses[0].answers = False
    await world.until(0, ready=False)
    with suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    for _, _, one in found:
        one.transport.abort()


async def test_where_no_house_is_ready_one_that_lives_says_what_is_missing(world: World) -> None:
    for number, house in enumerate(world.houses):
        house.status = 503
        await world.until(number, ready=False)
    assert (await world.names(1))[0] in {"one", "two", "three"}


async def test_where_no_house_lives_the_front_says_so_itself(world: World) -> None:
    for number, house in enumerate(world.houses):
        await house.stop()
        await world.until(number, ready=False)
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    answer = (await asyncio.wait_for(reader.read(), 5)).decode()
    assert answer.startswith("HTTP/1.1 503 ") and "Retry-After: 1\r\n" in answer
    assert '"code":"unavailable"' in answer
    writer.close()


async def test_who_comes_when_no_house_is_there_yet_waits_a_moment_for_it(world: World) -> None:
    for number, house in enumerate(world.houses):
        await house.stop()
        await world.until(number, ready=False)
    connecting = asyncio.create_task(world.connect())
    await asyncio.sleep(0.05)
    await world.houses[1].start()
    name, _, writer = await connecting
    assert name == "two"
    writer.transport.abort()


async def test_too_many_are_cut_off_and_those_who_are_there_stay(world: World) -> None:
    found = [await world.connect() for _ in range(60)]
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    with suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b"", "it was let in"
    writer.close()
    _, reader, writer = found[0]
    writer.write(b"hello\n")
    assert await asyncio.wait_for(reader.readline(), 5) == b"HELLO\n"
    for _, _, one in found:
        one.transport.abort()


async def test_nothing_is_left_of_clients_who_have_gone(world: World) -> None:
    for _ in range(5):
        await world.names(10)
    assert world.front._clients == set() and world.front._work == set()
