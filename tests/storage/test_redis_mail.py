"""Mail in Redis Streams: what a read that was cancelled, a server that is gone, and a full one do, and do not do."""

import asyncio
import random
import time

import pytest
from redis.asyncio import Redis

from storage.redis.mail import RedisMail
from tests.redis_server import RedisServer


async def test_reads_that_are_cancelled_lose_nothing(redis_url: str) -> None:
    """With a consumer group, 3 of 100 messages were delivered to nobody."""
    mail, chance = RedisMail(redis_url, "test"), random.Random(1)
    reader, seen, last = mail.reader(), list[bytes](), b"0"

    async def write() -> None:
        for number in range(1_500):
            await mail.write([("mb:1", str(number).encode())], {})

    writing = asyncio.create_task(write())
    cancelled = 0
    while len(seen) < 1_500:
        try:
            async with asyncio.timeout(chance.random() * 0.01):
                entries = await reader.read({"mb:1": last}, 10, 1.0)
                seen.extend(data for _, _, data in entries)
                last = entries[-1][1] if entries else last
        except TimeoutError:
            cancelled += 1
    await writing
    assert seen == [str(number).encode() for number in range(1_500)]
    assert cancelled > 10
    await reader.close()
    await mail.close()


async def test_a_server_that_stands_still_is_given_up_in_time_and_read_again_when_it_goes_on(
    own_redis: RedisServer,
) -> None:
    mail = RedisMail(own_redis.url, "test")
    reader = mail.reader()
    await mail.write([("mb:1", b"one")], {})
    ((_, last, _),) = await reader.read({"mb:1": b"0"}, 10, 0.5)
    own_redis.freeze()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await mail.write([("mb:1", b"two")], {})
    assert time.monotonic() - began < 1
    with pytest.raises(TimeoutError):
        await reader.read({"mb:1": last}, 10, 0.5)
    assert time.monotonic() - began < 0.8 + 1.3 + 0.5, "the driver's retries would take a minute"
    own_redis.thaw()
    assert [data for _, _, data in await reader.read({"mb:1": last}, 10, 1.0)] == [b"two"], (
        "sent once, carried out late"
    )
    await reader.close()
    await mail.close()


async def test_a_server_that_is_gone_was_sent_nothing(own_redis: RedisServer) -> None:
    mail = RedisMail(own_redis.url, "test")
    await mail.write([("mb:1", b"one")], {})
    own_redis.kill()
    await asyncio.sleep(0.01)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await mail.write([("mb:1", b"two")], {})
    own_redis.start()
    assert await mail.lengths(["mb:1", "mb:2"]) == [0, 0]
    assert await mail.write([("mb:2", b"three")], {}) == {"mb:2": 1}
    await mail.close()


async def test_a_full_server_refuses_and_loses_nothing(own_redis: RedisServer) -> None:
    mail, client = RedisMail(own_redis.url, "test"), Redis.from_url(own_redis.url)
    await mail.write([("mb:1", b"x" * 1000)] * 100, {})
    await client.config_set("maxmemory", "1")
    with pytest.raises(ConnectionError):
        await mail.write([("mb:1", b"too much")], {})
    await client.config_set("maxmemory", "0")
    assert await mail.lengths(["mb:1"]) == [100]
    await client.aclose()
    await mail.close()


async def test_what_is_done_is_deleted_and_what_belongs_to_one_house_goes_with_it(redis_url: str) -> None:
    mail, client = RedisMail(redis_url, "test"), Redis.from_url(redis_url)
    reader = mail.reader()
    assert await mail.write([("mb:1", b"a"), ("mb:1", b"b"), ("re:7", b"c")], {}) == {"mb:1": 2, "re:7": 1}
    first, second = await reader.read({"mb:1": b"0"}, 10, 0.5)
    await mail.write([("mb:1", b"c")], {"mb:1": [first[1]]})
    assert await mail.lengths(["mb:1"]) == [2]
    assert [data for _, _, data in await reader.read({"mb:1": b"0"}, 10, 0.5)] == [b"b", b"c"], second
    assert 0 < await client.ttl("re:7") <= 60
    assert await client.ttl("mb:1") == -1
    await client.aclose()
    await reader.close()
    await mail.close()
