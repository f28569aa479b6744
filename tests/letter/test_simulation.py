"""Some days of letters in small: all sorts of things go wrong, and nothing is lost or doubled. Large: bench."""

import random
from pathlib import Path

from app.replay import Replay
from bench.letter_house import open_letters
from bench.letter_report import draw, find_wrong, report
from bench.letter_simulation import Simulation
from bench.letter_world import build_world
from storage.events import EventStore


async def test_no_letter_is_lost_or_doubled_whatever_couriers_do(database_dsn: str, tmp_path: Path) -> None:
    dice = random.Random(7)
    async with open_letters(database_dsn, tmp_path) as house:
        world = await build_world(house, 24, dice, schools=2)
        simulation = Simulation(house, world, seed=7)

        await simulation.run(letters=120, days=0.5)
        await house.settle()

        assert await find_wrong(house) == {}
        found = await report(house, world)
        assert sum(found["letters"].values()) == 120
        assert found["letters"].keys() <= {"delivered", "failed"}
        assert found["letters"]["delivered"] > 100
        assert found["hours_to_delivery"]["50"] < 24
        replay = Replay(EventStore(house.core.base.database), house.core.kinds.owned)
        assert [one async for one in replay.verify() if one is not None] == []
        assert all(b"<svg" in picture for picture in (await draw(house, world)).values())


async def test_what_is_lost_or_doubled_would_be_found(database_dsn: str, tmp_path: Path) -> None:
    dice = random.Random(8)
    async with open_letters(database_dsn, tmp_path) as house:
        world = await build_world(house, 14, dice, schools=1)
        await Simulation(house, world, seed=8).run(letters=10, days=0.05)
        assert await find_wrong(house) == {}

        await house.sql("update delivery set status = 'in_transit' where id = (select id from delivery limit 1)")
        await house.sql("update courier_load set open_tasks = open_tasks + 1")

        assert len(await find_wrong(house)) >= 2
