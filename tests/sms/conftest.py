"""A provider of text messages on this machine."""

from collections.abc import AsyncIterator

import pytest

from tests.sms.provider import Provider
from tests.sms.provider import provider as open_provider


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with open_provider() as opened:
        yield opened
