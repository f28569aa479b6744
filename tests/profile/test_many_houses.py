"""The lock over all houses: what two connections want at the same time, one sees of the other."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from actors.runtime.ids import uuid7
from storage.postgres import Connection, connect

ADA, BEN = uuid7(), uuid7()


class Pair:
    """Two connections, as of two houses; the first one has a transaction open."""

    def __init__(self, first: Connection, second: Connection) -> None:
        self.first, self.second = first, second

    async def then(self, first: str, second: str) -> list[Any]:
        """Run one statement in each, the first to be committed only once the second waits; rows of the second."""
        transaction = self.first.transaction()
        await transaction.start()
        await self.first.execute(first)
        waiting = asyncio.create_task(self.second.fetch(second))
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done
        await transaction.commit()
        return await waiting

    async def value(self, text: str) -> Any:
        return await self.second.fetchval(text)


@pytest.fixture
async def pair(database_dsn: str) -> AsyncIterator[Pair]:
    first, second = await connect(database_dsn, "first"), await connect(database_dsn, "second")
    for name, person in (("ada", ADA), ("ben", BEN)):
        await first.execute(
            "insert into account (id, n, username, role, status, created_at)"
            " values ($1, 1, $2, 'user', 'active', now())",
            person,
            name,
        )
    yield Pair(first, second)
    await first.close()
    await second.close()


def wish(verb: str, person: str, name: str) -> str:
    return f"select refusal, type from change_tie('{verb}', '{person}', '{name}', '{verb}', now())"


async def test_a_block_ends_the_follow_that_it_waited_for(pair: Pair) -> None:
    rows = await pair.then(wish("follow", BEN, "ada"), wish("block", ADA, "ben"))
    assert [row["type"] for row in rows] == ["profile.blocked", "profile.unfollowed"]
    assert await pair.value("select count(*) from follow") == 0
    assert await pair.value("select sum(followers) from standing") == 0


async def test_a_follow_sees_the_block_that_it_waited_for(pair: Pair) -> None:
    [row] = await pair.then(wish("block", ADA, "ben"), wish("follow", BEN, "ada"))
    assert row["refusal"] == "missing"
    assert await pair.value("select count(*) from follow") == 0


async def test_two_follows_at_once_count_twice(pair: Pair) -> None:
    await pair.then(wish("follow", BEN, "ada"), wish("follow", ADA, "ben"))
    assert await pair.value("select sum(followers) from standing") == 2


async def test_the_end_of_an_account_waits_for_follows_and_takes_them_along(pair: Pair) -> None:
    await pair.then(wish("follow", BEN, "ada"), f"delete from account where id = '{BEN}'")
    assert await pair.value("select followers from standing") == 0
    assert await pair.value("select count(*) from follow") == 0


async def test_who_went_while_a_follow_waited_is_not_found(pair: Pair) -> None:
    [row] = await pair.then(f"delete from account where id = '{ADA}'", wish("follow", BEN, "ada"))
    assert row["refusal"] == "missing"
