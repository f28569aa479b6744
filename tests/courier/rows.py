"""Couriers straight into their rows, for tests of what couriers do rather than of how they come to be."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from actors.runtime.ids import uuid7


async def insert_courier(
    dsn: str, level: int = 1, prefixes: Sequence[str] = ("PK5F",), *, status: str = "active", limit: int = 30,
    user_id: str | None = None, parent_id: str | None = None, rating: float = 5.0,
) -> str:  # fmt: skip
    """A courier; for somebody who has an account already, ``user_id`` says who. Returns the user's id."""
    made = user_id or uuid7()
    async with connected(dsn) as connection:
        if user_id is None:
            await connection.execute(
                "with made as (insert into account (id, n, username, role, status, created_at)"
                " values ($1::uuid, 1, 'c' || replace($1::text, '-', ''), 'user', 'active', now())"
                " returning id, username)"
                " insert into profile (user_id, display_name) select id, username from made", made,
            )  # fmt: skip
        await connection.execute(
            "insert into courier (user_id, n, level, prefixes, parent_id, status, max_daily_tasks, weekly_hours,"
            " transport, time_slots, since, level_since, created_at)"
            " values ($1, 0, $2, $3, $4, $5, $6, 20, 'walk', '[]', now(), now(), now())",
            made, level, list(prefixes), parent_id, status, limit,
        )  # fmt: skip
        await connection.execute("insert into courier_load (user_id, rating) values ($1, $2)", made, rating)
    return made


async def load_of(dsn: str, user_id: str) -> dict[str, Any]:
    """What a courier carries and has earned."""
    async with connected(dsn) as connection:
        row = await connection.fetchrow("select * from courier_load where user_id = $1", user_id)
    assert row is not None
    return dict(row)


class connected:  # noqa: N801 - reads as a phrase
    """A connection of the test's own."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    async def __aenter__(self) -> "asyncpg.Connection[asyncpg.Record]":
        self._connection = await asyncpg.connect(self._dsn)
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()
