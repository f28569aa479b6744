"""One running house that these tests share, and houses of a test's own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.chat_live.desk import ChatDesk
from tests.realtime_house.conftest import client, close_wires, kept_running
from tests.running import RunningHouse, running_house

__all__ = ["client"]

CHEAP = {"POSTHOUSE_AUTH_ARGON2_MEMORY_KIB": "8", "POSTHOUSE_AUTH_ARGON2_PASSES": "1"}
"""Hundreds of people register here; that their passwords are safe is shown elsewhere."""
SETTINGS = CHEAP | {"POSTHOUSE_LIMITS_ENABLED": "false"}
PATIENT = SETTINGS | {"POSTHOUSE_REALTIME_CLOSE_SECONDS": "60"}
"""Who stands still gets the time to see why they were sent away."""
FORGETFUL = SETTINGS | {"POSTHOUSE_REALTIME_RECOVERY_PUBLICATIONS": "12"}
"""Who was away for more than 12 publications has to reload."""


@pytest.fixture(scope="session")
def shared_chat_house() -> Iterator[RunningHouse]:
    """A running house; whoever uses it makes people and chats of their own."""
    with kept_running(PATIENT) as house:
        yield house


@pytest.fixture(scope="session")
def forgetful_house() -> Iterator[RunningHouse]:
    """A house that recovers little."""
    with kept_running(FORGETFUL) as house:
        yield house


@pytest.fixture
async def desk(shared_chat_house: RunningHouse, client: aiohttp.ClientSession) -> AsyncIterator[ChatDesk]:
    """The shared house; nothing may crash in it."""
    before = len(shared_chat_house.faults())
    yield ChatDesk(shared_chat_house, client)
    await close_wires()
    assert shared_chat_house.faults()[before:] == []


@pytest.fixture
async def forgetful_desk(forgetful_house: RunningHouse, client: aiohttp.ClientSession) -> AsyncIterator[ChatDesk]:
    """The house that recovers little; nothing may crash in it."""
    before = len(forgetful_house.faults())
    yield ChatDesk(forgetful_house, client)
    assert forgetful_house.faults()[before:] == []


@pytest.fixture
async def own_desk(data_folder: Path, client: aiohttp.ClientSession) -> AsyncIterator[ChatDesk]:
    """A house of the test's own, to be killed, mistreated and started again."""
    async with running_house(data_folder, SETTINGS) as house:
        yield ChatDesk(house, client)
        await close_wires()
