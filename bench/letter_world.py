"""A world to carry letters in: schools with areas and points, people who write, and couriers of four levels."""

import random
from collections.abc import Sequence
from typing import NamedTuple

from actors.messages.courier import AppointCourier
from actors.messages.op_code import OpenArea, OpenSchool
from actors.runtime.ids import uuid7
from actors.runtime.message import Caller
from bench.letter_house import LetterHouse

ADMIN = Caller(user_id="00000000-0000-7000-8000-000000000001", role="admin")
SCHOOLS = ("AA", "BB", "CC", "DD", "EE")
AREAS = ("2A", "3B", "4C", "5D")
POINTS = ("22", "33", "44", "55", "66", "77", "88", "99", "AB", "CD", "EF", "GH")


class Courier(NamedTuple):
    """A courier, and what they are like."""

    caller: Caller
    level: int
    prefixes: tuple[str, ...]
    parent: "Courier | None"
    is_slow: bool

    @property
    def id(self) -> str:
        """The user's id."""
        return self.caller.user_id or ""

    def covers(self, code: str) -> bool:
        """Whether they have authority there."""
        return code.startswith(self.prefixes)

    def place(self) -> str:
        """Somewhere in their territory."""
        return f"{self.prefixes[0]}222222"[:6]


class World(NamedTuple):
    """Who and what there is."""

    points: Sequence[str]
    writers: Sequence[Caller]
    couriers: dict[str, Courier]

    def of_level(self, level: int, code: str) -> list[Courier]:
        """Who of a level has authority over a code."""
        return [one for one in self.couriers.values() if one.level == level and one.covers(code)]


async def build_world(
    house: LetterHouse, couriers: int, dice: random.Random, *, schools: int = 5, limit: int = 40, slow: float = 0.1
) -> World:
    """Open the places, give out the points, and appoint everybody through the one above them.

    Of ``couriers`` 2 are of level 4, one per school of level 3, one per area of level 2, the rest of level 1.
    """
    codes = SCHOOLS[:schools]
    areas = [school + area for school in codes for area in AREAS]
    for school in codes:
        await house.ask("op_codes", OpenSchool(code=school, name=f"School {school}"), ADMIN)
    for area in areas:
        await house.ask("op_codes", OpenArea(code=area, name=f"Area {area}"), ADMIN)
    people = await make_people(house, couriers + 50)
    points = [area + point for area in areas for point in POINTS]
    await give_points(house, points, people[couriers:])
    staff: dict[str, Courier] = {}

    async def appoint(level: int, prefixes: tuple[str, ...], parent: Courier | None) -> Courier:
        made = Courier(people[len(staff)], level, prefixes, parent, is_slow=level == 1 and dice.random() < slow)
        staff[made.id] = made
        order = AppointCourier(
            user_id=made.id, level=level, prefixes=list(prefixes), max_daily_tasks=limit * level, weekly_hours=20
        )
        if await house.ask("couriers", order, ADMIN if parent is None else parent.caller) is None:
            raise RuntimeError(f"could not appoint a courier of level {level}: {house.refused}")
        return made

    cities = [await appoint(4, codes, None) for _ in range(2)]
    heads = [await appoint(3, (code,), dice.choice(cities)) for code in codes]
    leaders = [await appoint(2, (area,), heads[codes.index(area[:2])]) for area in areas]
    while len(staff) < couriers:
        leader = leaders[len(staff) % len(leaders)]
        await appoint(1, leader.prefixes, leader)
    return World(points, people[couriers:], staff)


async def make_people(house: LetterHouse, count: int) -> list[Caller]:
    """Accounts and profiles, straight into their rows."""
    ids = [uuid7() for _ in range(count)]
    await house.sql(
        "with made as (insert into account (id, n, username, role, status, created_at)"
        " select id, 1, 'w' || replace(id::text, '-', ''), 'user', 'active', now() from unnest($1::uuid[]) id"
        " returning id, username) insert into profile (user_id, display_name) select id, username from made", ids,
    )  # fmt: skip
    return [Caller(user_id=user_id, role="user") for user_id in ids]


async def give_points(house: LetterHouse, points: Sequence[str], people: Sequence[Caller]) -> None:
    """Points with holders, straight into their rows."""
    holders = [people[i % len(people)].user_id for i in range(len(points))]
    await house.sql(
        "insert into op_application (id, n, user_id, area, type, name, address, reason, is_public, status, code, note,"
        " decided_at, created_at) select gen_random_uuid(), 0, u, left(c, 4), 'dormitory', '', '', '', false,"
        " 'approved', c, '', now(), now() from unnest($1::text[], $2::uuid[]) as r (c, u)", points, holders,
    )  # fmt: skip
