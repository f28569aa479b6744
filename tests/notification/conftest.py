"""A house whose notifier hears of its events through the relay, on a database of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.notification.house import NotifiedHouse, open_house


@pytest.fixture
async def house(database_dsn: str, tmp_path: Path) -> AsyncIterator[NotifiedHouse]:
    async with open_house(database_dsn, tmp_path) as opened:
        yield opened
