"""Rows and a worker on a database of the test's own, and a mail server in this process."""

from collections.abc import AsyncIterator

import pytest

from tests.outgoing.world import World, open_world


@pytest.fixture
async def world(database_dsn: str) -> AsyncIterator[World]:
    async with open_world(database_dsn) as opened:
        yield opened
