"""Houses that a test starts one by one, each as it likes, behind a front in the test's own process."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from app.cluster.front import Front
from app.cluster.key import leave_key
from app.cluster.place import Place
from tests.faults.cluster.world import SETTINGS
from tests.running import RunningHouse, end


class LoneHouses(RunningHouse):
    """Looks like one house to clients; ``members`` are the real ones, by name."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.members: dict[str, RunningHouse] = {}
        self.places: dict[str, Place] = {}

    async def restart(self, name: str) -> float:
        """Start a member whose process has ended; returns the seconds until it was ready."""
        member = self.members[name]
        seconds = await member.start()
        place, where = self.places[name], urlsplit(member.url)
        place.host, place.port = where.hostname or "", where.port or 0
        return seconds

    def faults_of_members(self) -> list[dict[str, object]]:
        """Every line that tells of a bug since each member's last start."""
        return [line for member in self.members.values() for line in member.faults()]


@asynccontextmanager
async def lone_houses(
    folder: Path, shared: Mapping[str, str], special: Mapping[str, Mapping[str, str]], programs: Mapping[str, list[str]]
) -> AsyncIterator[LoneHouses]:
    """Started houses with settings that all have, and those of each (``special``: name -> settings)."""
    structlog.contextvars.clear_contextvars()
    houses = LoneHouses(folder)
    async with AsyncExitStack() as stack:
        for name, settings in special.items():
            data = folder / name
            data.mkdir()
            own = {"POSTHOUSE_HOUSE_NAME": name, "POSTHOUSE_DATA_SECRETS": str(folder / "secrets")}
            member = RunningHouse(data, SETTINGS | dict(shared) | own | dict(settings))
            member.program = programs.get(name, member.program)
            houses.members[name] = member
            houses.places[name] = Place(name, "127.0.0.1", 1, lambda _: None)
            stack.push_async_callback(end, member)
        first, *others = special
        await houses.restart(first)  # it makes the first administrator, alone
        await asyncio.gather(*(houses.restart(name) for name in others))
        for place in houses.places.values():
            stack.callback(asyncio.create_task(place.watch()).cancel)
        front = Front(list(houses.places.values()), max_connections=1000)
        houses.url = await front.open("127.0.0.1", 0)
        stack.push_async_callback(front.cut)
        stack.callback(front.close)
        member = houses.members[first]
        await leave_key(folder, member.data, member.url, houses.url)
        yield houses
