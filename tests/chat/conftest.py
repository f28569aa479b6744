"""Rooms on a database of the test's own, with Ada, Bob and Cyd."""

from collections.abc import AsyncIterator

import pytest

from tests.chat.house import Rooms, Somebody, open_rooms


@pytest.fixture
async def rooms(database_dsn: str) -> AsyncIterator[Rooms]:
    async with open_rooms(database_dsn) as opened:
        yield opened


@pytest.fixture
async def people(rooms: Rooms) -> list[Somebody]:
    return await rooms.people("ada", "Bob", "cyd")
