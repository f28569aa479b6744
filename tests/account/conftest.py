"""A house with accounts, on a database of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.account.house import AccountHouse, open_house


@pytest.fixture
async def house(database_dsn: str, tmp_path: Path) -> AsyncIterator[AccountHouse]:
    async with open_house(database_dsn, tmp_path) as opened:
        yield opened
