"""Two houses for a test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.many.house import ManyHouses, open_houses


@pytest.fixture
async def houses(database_dsn: str, redis_url: str, data_folder: Path) -> AsyncIterator[ManyHouses]:
    """Two houses on one database and one Redis."""
    async with open_houses(database_dsn, redis_url, data_folder) as houses:
        yield houses
