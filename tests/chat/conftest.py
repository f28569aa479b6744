"""Rooms on a database of the test's own, with Ada, Bob and Cyd."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chat.house import Rooms, Somebody, open_rooms
from tests.chat.served import ChatHouse, open_chats


@pytest.fixture
async def rooms(database_dsn: str) -> AsyncIterator[Rooms]:
    async with open_rooms(database_dsn) as opened:
        yield opened


@pytest.fixture
async def people(rooms: Rooms) -> list[Somebody]:
    return await rooms.people("ada", "Bob", "cyd")


@pytest.fixture
async def house(database_dsn: str, tmp_path: Path) -> AsyncIterator[ChatHouse]:
    """The whole house behind its real edges."""
    async with open_chats(database_dsn, tmp_path) as opened:
        yield opened
