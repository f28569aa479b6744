"""A house with schools and areas, and shorthands for couriers in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from app.replay import Difference, Replay
from app.tallies import check_loads
from storage.courier import CourierStore
from storage.events import EventStore
from tests.system.house import Person, ServedHouse, open_served

SCHOOLS = {"PK": "Park", "AB": "Abbey"}
AREAS = {"PK5F": "Building 5 F", "PK6A": "Building 6 A", "AB7C": "Cloister"}


class CourierHouse:
    """A served house, seen as the couriers in it. ``city`` to ``building`` are made by `chain`."""

    def __init__(self, served: ServedHouse) -> None:
        self.served = served
        self.refs = served.refs
        self.sql = served.sql
        self.admin = served.admin
        self.person = served.person

    async def get(self, person: Person, path: str, *, expect: int = 200) -> Any:
        """Read a route."""
        return await self.served.call("GET", path, person.token, expect=expect)

    async def post(self, person: Person, path: str, body: Any = None, *, expect: int = 200, key: str = "") -> Any:
        """Call a route that does something."""
        return await self.served.call("POST", path, person.token, body, expect=expect, key=key)

    async def patch(self, person: Person, path: str, body: Any, *, expect: int = 200) -> Any:
        """Change something."""
        return await self.served.call("PATCH", path, person.token, body, expect=expect)

    async def appoint(
        self, by: Person, whom: Person, level: int, *prefixes: str, expect: int = 201, **more: Any
    ) -> Any:
        """Appoint somebody."""
        body = {"user_id": whom.id, "level": level, "prefixes": list(prefixes), **more}
        return await self.post(by, "/couriers", body, expect=expect)

    async def status(self, person: Person) -> tuple[str, int, list[str]]:
        """Status, level and territory of somebody, as they see themselves."""
        me = await self.get(person, "/couriers/me")
        return me["status"], me["level"], me["prefixes"]

    async def events(self, person: Person) -> list[str]:
        """What has happened to a courier."""
        rows = await self.sql("select type from event where stream = $1 order by n", f"courier:{person.id}")
        return [row["type"].removeprefix("courier.") for row in rows]

    async def chain(self) -> "Chain":
        """One courier of each level in Park, each appointed by the one above."""
        city, school, area, building = [await self.person(name) for name in ("city", "school", "area", "building")]
        await self.appoint(self.admin, city, 4, "PK", "AB")
        await self.appoint(city, school, 3, "PK")
        await self.appoint(school, area, 2, "PK5F", "PK6A")
        await self.appoint(area, building, 1, "PK5F")
        return Chain(city, school, area, building)

    async def differences(self) -> list[Difference]:
        """What `verify` finds."""
        core = self.served.house._core
        tally = partial(check_loads, CourierStore(core.base.database))
        replay = Replay(EventStore(core.base.database), core.kinds.owned, [tally])
        return [found async for found in replay.verify() if found is not None]


class Chain:
    """Four couriers, one above the other."""

    def __init__(self, city: Person, school: Person, area: Person, building: Person) -> None:
        self.city = city
        self.school = school
        self.area = area
        self.building = building


@asynccontextmanager
async def open_couriers(dsn: str, folder: Path) -> AsyncIterator[CourierHouse]:
    """A house that listens; at the end `verify` finds nothing in it."""
    async with open_served(dsn, folder) as served:
        house = CourierHouse(served)
        for code, name in SCHOOLS.items():
            await house.post(house.admin, "/op-codes/schools", {"code": code, "name": name}, expect=201)
        for code, name in AREAS.items():
            await house.post(house.admin, "/op-codes/areas", {"code": code, "name": name}, expect=201)
        yield house
        assert await house.differences() == []
