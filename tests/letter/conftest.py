"""A house with two schools: Ada lives in one, Ben in the other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.letter.house import DOOR, HOME, Post, open_post
from tests.system.house import Person


@pytest.fixture
async def post(database_dsn: str, tmp_path: Path) -> AsyncIterator[Post]:
    async with open_post(database_dsn, tmp_path) as opened:
        yield opened


@pytest.fixture
async def ada(post: Post) -> Person:
    await post.point(HOME, post.ada)
    return post.ada


@pytest.fixture
async def ben(post: Post) -> Person:
    ben = await post.served.person("ben")
    await post.point(DOOR, ben)
    return ben


@pytest.fixture
async def cat(post: Post) -> Person:
    """A courier of the building where letters begin, who may deliver, too: one territory has both doors."""
    return await post.courier("cat", "PK5F", "QH7A")
