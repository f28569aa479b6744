"""Who is limited is limited by all houses together."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from handlers.rate_limit import LimitSettings
from tests.many.house import ManyHouses, open_houses
from tests.notification.house import CHEAP
from tests.redis_server import RedisServer

SOON = 0.3
"""Houses tell each other ten times a second."""
STRICT = replace(CHEAP, attempts_per_account=4)


async def get(houses: ManyHouses, number: int, token: str) -> int:
    """Make a request; the status."""
    async with houses[number].http.get("/api/v1/users/me", headers={"Authorization": f"Bearer {token}"}) as answer:
        return answer.status


async def guess(houses: ManyHouses, number: int, login: str = "ada") -> int:
    """Log in with a wrong password; the status."""
    body: Any = {"login": login, "password": "wrong horse"}
    async with houses[number].http.post("/api/v1/users/login", json=body) as answer:
        return answer.status


async def test_requests_count_in_all_houses(database_dsn: str, redis_url: str, data_folder: Path) -> None:
    async with open_houses(database_dsn, redis_url, data_folder, limits=LimitSettings(read="10/hour")) as houses:
        ada = await houses[0].person("ada")
        assert [await get(houses, 0, ada.token) for _ in range(7)] == [200] * 7
        await asyncio.sleep(SOON)
        assert await get(houses, 1, ada.token) == 200  # it has not heard of the others yet
        await asyncio.sleep(SOON)
        assert [await get(houses, 1, ada.token) for _ in range(3)] == [200, 200, 429]
        await asyncio.sleep(SOON)
        await get(houses, 0, ada.token)
        await asyncio.sleep(SOON)
        assert await get(houses, 0, ada.token) == 429


async def test_guesses_count_in_all_houses_even_at_the_same_time(
    database_dsn: str, redis_url: str, data_folder: Path
) -> None:
    async with open_houses(database_dsn, redis_url, data_folder, auth=STRICT) as houses:
        await houses[0].person("ada")
        said = await asyncio.gather(*(guess(houses, number % 2) for number in range(12)))
        assert Counter(said) == {401: 4, 429: 8}
        assert [await guess(houses, 0), await guess(houses, 1)] == [429, 429]


async def test_without_redis_each_house_counts_for_itself(
    database_dsn: str, own_redis: RedisServer, data_folder: Path
) -> None:
    async with open_houses(database_dsn, own_redis.url, data_folder, auth=STRICT) as houses:
        await houses[0].person("ada")
        assert await guess(houses, 0) == 401
        own_redis.kill()
        for number in (0, 1):
            said = [await guess(houses, number) for _ in range(6)]
            assert Counter(said) in ({401: 3, 429: 3}, {401: 4, 429: 2})


async def test_a_good_password_gives_the_attempt_back_everywhere(
    database_dsn: str, redis_url: str, data_folder: Path
) -> None:
    async with open_houses(database_dsn, redis_url, data_folder, auth=STRICT) as houses:
        await houses[0].person("ada")
        for number in range(10):
            await houses[number % 2].call("POST", "/users/login", body={"login": "ada", "password": "correct horse"})
        assert [await guess(houses, number % 2) for number in range(5)] == [401] * 4 + [429]
