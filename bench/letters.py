"""Figures of letters: scans and assignments per second with everything durable, and what lies near; each at two sizes.

The actors, the journal and PostgreSQL of a house, without HTTP: messages go to the actors as the edge would send them.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from actors.messages.delivery import ListDeliveries, ScanLetter
from actors.messages.letter import CreateLetter, SealLetter
from bench.house import data_folder
from bench.letter_house import LetterHouse, open_letters
from bench.letter_report import draw, find_wrong, report
from bench.letter_simulation import Simulation
from bench.letter_world import ADMIN, World, build_world
from storage.postgres_server import PostgresServer

AT_ONCE = 64
COURIERS = 200
DAYS = 3.0
SCHOOLS, AREAS_EACH, DOORS = 20, 100, 500
LOOKS = 300
TOWN = """
with place as (
    select chr(65 + s / 5) || chr(65 + s % 5) || lpad(a::text, 2, '0')
        || lpad(upper(to_hex(d % 256)), 2, '0') as code
    from generate_series(0, $1 - 1) s, generate_series(0, $2 - 1) a, generate_series(1, $3) d
), written as (
    insert into letter (id, n, sender_id, kind, thread_id, hides_recipient, hides_place, anonymous, visibility,
                        priority, instructions, title, version, status, couriers, created_at, changed_at, code, to_op,
                        from_op)
    select gen_random_uuid(), 0, $4, 'original', $4, false, false, false, 'private', 'normal',
        '', '', 1, 'sealed', '[]', now(), now(), 'L' || row_number() over (), code, code
    from place returning id, code, from_op
)
insert into delivery (id, letter_id, code, status, from_op, to_op, current_op, priority, points, is_late, attempts,
                      created_at, changed_at)
select gen_random_uuid(), id, code, 'available', from_op, from_op, from_op, 'normal', 5, false, 0,
    now() - random() * interval '1 day', now()
from written
"""
"""A sealed letter and its task at every door of 20 schools with 100 areas each."""


@asynccontextmanager
async def fresh(dsn: str) -> AsyncIterator[LetterHouse]:
    """A house on an empty database: its own durable PostgreSQL, unless a ``dsn`` is given."""
    with data_folder() as folder:
        server = None if dsn else PostgresServer(folder / "postgres")
        try:
            async with open_letters(dsn or server_dsn(server), folder) as house:
                yield house
        finally:
            if server is not None:
                await asyncio.to_thread(server.stop)


def server_dsn(server: PostgresServer | None) -> str:
    """Start the server."""
    assert server is not None
    return server.start()


async def simulate(count: int, dsn: str, folder: Path) -> dict[str, Any]:
    """Letters of some days, 200 couriers, 5 schools."""
    dice, begun = random.Random(5), time.monotonic()
    async with fresh(dsn) as house:
        world = await build_world(house, COURIERS, dice)
        simulation = Simulation(house, world, seed=5)
        await simulation.run(count, days=DAYS)
        await house.settle()
        found = await report(house, world)
        found |= {
            "wrong": await find_wrong(house),
            "steps": simulation.steps,
            "seconds": round(time.monotonic() - begun),
        }
        for name, picture in (await draw(house, world)).items():
            (folder / name).write_bytes(picture)
    if found["wrong"]:
        raise SystemExit(f"letters are lost or doubled: {found['wrong']}")
    return found


async def measure(count: int, dsn: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Scans, assignment and `near`, each at a tenth and at full size. ``say`` hears each figure as it is there."""
    found: dict[str, Any] = {}
    for letters in (count // 10, count):
        async with fresh(dsn) as house:
            world = await build_world(house, COURIERS, random.Random(6), limit=1_000, slow=0.0)
            sealed = await write(house, world, letters)
            found[f"assignment of {letters}"] = await assign(house, letters)
            found[f"scans of {letters}"] = await scan(house, world, sealed, min(letters, 2_000))
            say(f"{letters} letters: {found}")
    async with fresh(dsn) as house:
        for doors in (SCHOOLS * AREAS_EACH * DOORS // 10, SCHOOLS * AREAS_EACH * DOORS):
            found[f"near among {doors}"] = await look_near(house, doors)
            say(f"{doors} doors: {found[f'near among {doors}']}")
    return found


async def write(house: LetterHouse, world: World, count: int) -> float:
    """Write and seal letters inside one school, and say how many in a second."""
    dice, begun = random.Random(9), time.monotonic()

    async def post(_: int) -> None:
        here = dice.choice(world.points)
        there = dice.choice([point for point in world.points[:48] if point != here])
        writer = dice.choice(world.writers)
        made = await house.ask("letters", CreateLetter(from_op_code=here, to_op_code=there, content="."), writer)
        await house.ask("letters", SealLetter(letter_id=made.id), writer)

    await in_parallel(post, range(count))
    return count / (time.monotonic() - begun)


async def assign(house: LetterHouse, count: int) -> dict[str, float]:
    """Let ten minutes pass: the house gives every task that nobody has taken to the courier whom it fits best."""
    begun = time.monotonic()
    await house.pass_time(11)
    while (
        await house.sql("select from delivery where status = 'available' limit 1")
    ) and time.monotonic() - begun < 600:
        await house.tell_timers()
        await asyncio.sleep(0.2)
    seconds = time.monotonic() - begun
    spread = await house.sql(
        "select min(open_tasks), max(open_tasks) from courier_load l join courier c using (user_id) where level = 1"
    )
    return {
        "seconds": round(seconds, 2),
        "per_second": round(count / seconds),
        "least": spread[0][0],
        "most": spread[0][1],
    }


async def scan(house: LetterHouse, world: World, sealed: float, count: int) -> dict[str, float]:
    """Scan letters that are assigned: each is collected, and goes on its way."""
    rows = await house.sql(
        "select code, current_op, courier_id::text from delivery where status = 'accepted' limit $1", count
    )

    async def carry(number: int) -> None:
        row = rows[number]
        caller = world.couriers[row["courier_id"]].caller
        for action in ("collect", "transit"):
            order = ScanLetter(
                code=row["code"], action=action, op_code=row["current_op"], client_scan_id=f"{action}{number}"
            )  # fmt: skip
            await house.ask("deliveries", order, caller)

    before, begun = house.done, time.monotonic()
    await in_parallel(carry, range(len(rows)))
    seconds = time.monotonic() - begun
    return {
        "scans": house.done - before, "per_second": round((house.done - before) / seconds), "at_once": AT_ONCE,
        "sealed_per_second": round(sealed),
    }  # fmt: skip


async def look_near(house: LetterHouse, doors: int) -> dict[str, float]:
    """A task at every door of a town, and couriers who ask what there is to carry near a door."""
    await house.sql("truncate delivery, letter cascade")
    await house.sql(TOWN, SCHOOLS, AREAS_EACH, doors // (SCHOOLS * AREAS_EACH), ADMIN.user_id)
    await house.sql("analyze")
    dice, took = random.Random(3), list[float]()
    for _ in range(LOOKS):
        school = chr(65 + dice.randrange(4)) + chr(65 + dice.randrange(5))
        near = f"{school}{dice.randrange(AREAS_EACH):02}{dice.randrange(256):02X}"
        begun = time.perf_counter()
        page = await house.ask("deliveries", ListDeliveries(near=near), ADMIN)
        took.append(time.perf_counter() - begun)
        if page is None or not page.items:
            raise RuntimeError(f"nothing lies near {near}")
    took.sort()
    return {"ms_median": round(took[LOOKS // 2] * 1e3, 2), "ms_p99": round(took[LOOKS * 99 // 100] * 1e3, 2)}


async def in_parallel(work: Callable[[int], Awaitable[None]], numbers: Sequence[int]) -> None:
    """Do it for every number, ``AT_ONCE`` at a time."""
    left = iter(numbers)

    async def one_after_the_other() -> None:
        for number in left:
            await work(number)

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
