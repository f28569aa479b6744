"""A house that pushes to a push service on this machine."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.push.browser import PushService, push_service
from tests.push.house import PushingHouse, open_pushing


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    async with push_service() as opened:
        yield opened


@pytest.fixture
async def house(database_dsn: str, tmp_path: Path, service: PushService) -> AsyncIterator[PushingHouse]:
    async with open_pushing(database_dsn, tmp_path) as opened:
        yield opened
