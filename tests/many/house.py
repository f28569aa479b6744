"""Several whole houses in this process, on one database and one Redis."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from actors.runtime.placement.partitions import partition_of
from app import logs
from app.application import listening
from app.composition import compose
from app.config import Config, Data, Http, Mailbox, Redis
from app.config import House as HouseName
from app.wires import Wires
from handlers.rate_limit import LimitSettings
from tests.notification.house import CHEAP, until
from tests.realtime.wire import Wire
from tests.system.house import Person, ServedHouse

__all__ = ["ManyHouses", "Person", "Wire", "open_houses", "until"]


class ManyHouses:
    """Houses by number, and shorthands for what happens between them."""

    def __init__(self, houses: Sequence[ServedHouse]) -> None:
        self.houses = houses

    def __getitem__(self, number: int) -> ServedHouse:
        return self.houses[number]

    async def settled(self) -> None:
        """Wait until everything has an owner, evenly, and all hear each other."""

        async def is_so() -> bool:
            owned = [len(house.house._core.mailboxes.partitions() or ()) for house in self.houses]
            links = [self.wires(number).link for number in range(len(self.houses))]
            is_heard = all(link.pubsub.is_hearing and link.line.is_up for link in links)
            return is_heard and sum(owned) == 256 and max(owned) < 256 / len(owned) * 1.3

        await until(is_so, 20)

    def wires(self, number: int) -> Wires:
        """What connects a house with the others."""
        wires = self.houses[number].house.wires
        assert wires is not None
        return wires

    async def person_of(self, number: int, name: str) -> tuple[Person, str]:
        """Somebody whose account lives in a house, and what they are called."""
        for attempt in count(1):
            person = await self.houses[number].person(f"{name}{attempt}")
            if partition_of("account", person.id) in (self.houses[number].house._core.mailboxes.partitions() or ()):
                return person, f"{name}{attempt}"
        raise AssertionError("unreachable")

    def socket_url(self, number: int) -> str:
        """Where realtime clients connect to a house."""
        return self.houses[number].url.replace("http", "ws", 1) + "/connection/websocket"

    async def wire(self, number: int, person: Person, **connect: Any) -> Wire:
        """Connect somebody to a house."""
        wire = await Wire.open(self.socket_url(number))
        wire.hello = await wire.ask(connect={"token": person.token, **connect})
        assert "connect" in wire.hello, wire.hello
        return wire


@asynccontextmanager
async def open_houses(
    dsn: str, redis_url: str, folder: Path, number: int = 2, **sections: Any
) -> AsyncIterator[ManyHouses]:
    """Houses that listen, stopped at the end, the last one first. ``sections`` are of every house's configuration."""
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(open_house(dsn, redis_url, folder, f"house-{which}", **sections))
            for which in range(number)
        ]
        many = ManyHouses(opened)
        await many.settled()
        yield many
        while Wire.opened:
            await Wire.opened.pop().close()


@asynccontextmanager
async def open_house(dsn: str, redis_url: str, folder: Path, name: str, **sections: Any) -> AsyncIterator[ServedHouse]:
    """One of several."""
    settings: dict[str, Any] = {
        "house": HouseName(name=name), "data": Data(dir=str(folder / name), secrets=str(folder / "secrets")),
        "redis": Redis(url=redis_url), "mailbox": Mailbox(transport="redis"), "http": Http(port=0), "auth": CHEAP,
        "limits": LimitSettings(enabled=False),
    }  # fmt: skip
    config = Config(**settings | sections)
    (folder / name).mkdir()
    log = logs.start(path=folder / name / "house.log", level="info", stdout=False)
    try:
        async with (
            compose(config, dsn, None, log) as house,
            listening(config, house) as url,
            aiohttp.ClientSession(base_url=url) as http,
        ):
            house.open(lambda: None)
            yield ServedHouse(house, http, url, log)
            house.close()
    finally:
        log.close()
