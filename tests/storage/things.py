"""A noun that exists for the tests of storage alone: its table, its statements, and turns that use them."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import asyncpg

from storage.queries import Statement
from storage.write import Write

TABLE = """
create table thing (
    id uuid primary key,
    name text not null constraint thing_name_key unique,
    used integer not null default 0 constraint thing_used_check check (used >= 0)
)
"""
INSERT = Statement("thing.insert", "insert into thing (id, name) select * from unnest($1::uuid[], $2::text[])", "exec")
USE = Statement(
    "thing.use",
    """
    update thing set used = used + 1 from unnest($1::uuid[]) with ordinality as wanted(id, ord)
    where thing.id = wanted.id returning wanted.ord, thing.used
    """,
    "many",
)
TOGETHER = Statement(
    "thing.together",
    """
    with fence as materialized (select fence($1) as ok),
    wanted as (select * from unnest($5::uuid[], $6::text[]) with ordinality as w(id, name, ord)),
    made as (
        insert into thing (id, name) select w.id, w.name from wanted w, fence where fence.ok returning id
    ),
    told as (
        insert into event (stream, n, type, body, cause, ordinal, house, lane, seq, at)
        select 'thing:' || w.id, 1, 'thing.made', '{}', 'together:' || w.id, 0, $2, $3, $4 + w.ord - 1, now()
        from wanted w, fence where fence.ok
    )
    select made.id, (select pg_notify('event', '')) from made
    """,
    "many",
)


class Happened(NamedTuple):
    """An event as the runtime would hand it over."""

    stream: str
    n: int
    type: str
    body: bytes
    at: datetime
    cause: str | None = None
    caller: str | None = None


class Taken(Exception):  # noqa: N818
    """The name is taken."""


class Missing(Exception):  # noqa: N818
    """There is no such thing."""


def happened(stream: str, n: int = 1, type: str = "thing.made") -> Happened:  # noqa: A002
    return Happened(stream, n, type, b'{"a":1}', datetime.now(UTC))


def new_id() -> str:
    return str(uuid.uuid4())


def insert(name: str, thing_id: str | None = None) -> Write:
    return Write(INSERT, (thing_id or new_id(), name), constraints={"thing_name_key": Taken(name)})


def use(thing_id: str) -> Write:
    return Write(USE, (thing_id,), expect=1, otherwise=Missing(thing_id))


async def until(is_so: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for what another task or process brings about. Raises ``TimeoutError``."""
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.01)


async def ask(dsn: str, query: str, *args: object) -> list[asyncpg.Record]:
    """Run a query of a test on a connection of its own; a server that is just starting is waited for."""
    async with asyncio.timeout(20):
        while True:
            try:
                connection = await asyncpg.connect(dsn)
                break
            except (asyncpg.CannotConnectNowError, OSError):
                await asyncio.sleep(0.05)
    try:
        return await connection.fetch(query, *args)
    finally:
        await connection.close()
