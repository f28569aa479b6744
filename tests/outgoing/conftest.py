"""Rows and a worker, or a whole house, on a database of the test's own, and a mail server in this process."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.outgoing.house import MailedHouse, open_mailed
from tests.outgoing.mail_server import MailServer
from tests.outgoing.world import World, email_settings, open_world

DIGEST_MINUTES = 0.02  # 1.2 seconds


@pytest.fixture
async def world(database_dsn: str) -> AsyncIterator[World]:
    async with open_world(database_dsn) as opened:
        yield opened


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    """A mail server that takes everything."""
    server = MailServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def house(database_dsn: str, tmp_path: Path, server: MailServer) -> AsyncIterator[MailedHouse]:
    settings = email_settings(server, digest_minutes=DIGEST_MINUTES)
    async with open_mailed(database_dsn, tmp_path, settings, server) as opened:
        yield opened
