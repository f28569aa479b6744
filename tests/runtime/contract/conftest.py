"""The contract runs over every transport: within one process, packed, and between two houses over Redis Streams."""

from collections.abc import AsyncIterator

import pytest

from tests.runtime.conftest import TRANSPORTS, World, open_world
from tests.runtime.pair import remote_world


@pytest.fixture(params=[*TRANSPORTS, "redis"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "redis":
        async with remote_world(request.getfixturevalue("redis_url")) as world:
            yield world
    else:
        async with open_world(TRANSPORTS[request.param]()) as world:
            yield world
