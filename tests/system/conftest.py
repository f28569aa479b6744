"""The whole house behind its real edges, with an administrator and a person, on a database of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.system.house import ServedHouse, open_served


@pytest.fixture
async def house(database_dsn: str, tmp_path: Path) -> AsyncIterator[ServedHouse]:
    async with open_served(database_dsn, tmp_path) as opened:
        yield opened
