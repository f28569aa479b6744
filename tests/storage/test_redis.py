"""Connections to Redis: bounded in time, without the driver's own retries."""

import asyncio
import time

import pytest

from storage.redis.connect import BLOCK_SECONDS, TROUBLE, open_blocking, open_commands
from tests.redis_server import RedisServer


async def test_a_redis_that_is_gone_is_known_at_once_and_used_again_when_it_is_back(own_redis: RedisServer) -> None:
    client = open_commands(own_redis.url, "test")
    assert await client.ping()
    own_redis.kill()
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(TROUBLE):
            await client.ping()
    assert time.monotonic() - began < 0.5
    own_redis.start()
    assert await client.ping()
    await client.aclose()


async def test_a_redis_that_does_not_answer_is_given_up_within_a_second(own_redis: RedisServer) -> None:
    client = open_commands(own_redis.url, "test")
    await client.incr("n")
    own_redis.freeze()
    began = time.monotonic()
    with pytest.raises(TROUBLE):
        await client.incr("n")
    assert time.monotonic() - began < 1
    own_redis.thaw()
    await asyncio.sleep(0.1)
    assert await client.incr("n") in {2, 3}, "sent once, whether or not it was carried out"
    await client.aclose()


async def test_a_blocking_read_waits_its_time_and_is_not_sent_again(redis_url: str) -> None:
    client = open_blocking(redis_url, "test")
    began = time.monotonic()
    assert not await client.xread({"nothing": "0"}, block=300)
    assert 0.25 < time.monotonic() - began < 1
    with pytest.raises(TROUBLE):
        await client.xread({"nothing": "0"}, block=round(BLOCK_SECONDS * 1000) + 2_000)
    assert time.monotonic() - began < 0.3 + BLOCK_SECONDS + 1.5, "the driver's default would try for a minute"
    await client.aclose()
