"""A claimed house with its pool and its journal, on a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from storage.house import House
from storage.journal import Journal
from storage.postgres import Database
from tests.storage.things import TABLE, ask


@pytest.fixture
async def dsn(database_dsn: str) -> str:
    await ask(database_dsn, TABLE)
    return database_dsn


@pytest.fixture
async def house(dsn: str) -> AsyncIterator[House]:
    claimed = await House.claim(dsn, "one")
    yield claimed
    await claimed.release()


@pytest.fixture
async def db(dsn: str, house: House) -> AsyncIterator[Database]:
    database = await Database.open(dsn, house.application_name, pool_size=4)
    yield database
    await database.close()


@pytest.fixture
async def journal(dsn: str, house: House) -> AsyncIterator[Journal]:
    opened = Journal(dsn, house)
    await opened.start()
    yield opened
    await opened.stop()
