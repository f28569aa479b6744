"""``system:logs`` and ``system:actors`` on a live socket of the published client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from centrifuge import (
    Client,
    PublicationContext,
    SubscriptionErrorContext,
    SubscriptionEventHandler,
    UnsubscribedContext,
)

from actors.messages.account import SetRole
from actors.runtime.message import SYSTEM
from app.desk_channels import MOST_BYTES
from tests.realtime.scenarios import until
from tests.system.house import Person, ServedHouse

log = structlog.get_logger()


class Watched(SubscriptionEventHandler):  # type: ignore[misc]  # published without types
    """What a channel tells."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.errors: list[int] = []
        self.ended_with: list[int] = []

    async def on_publication(self, ctx: PublicationContext) -> None:
        self.seen.append(ctx.pub.data)

    async def on_error(self, ctx: SubscriptionErrorContext) -> None:
        self.errors.append(ctx.error.code)

    async def on_unsubscribed(self, ctx: UnsubscribedContext) -> None:
        self.ended_with.append(ctx.code)


@asynccontextmanager
async def watching(house: ServedHouse, person: Person, channel: str) -> AsyncIterator[Watched]:
    watched = Watched()
    client = Client(house.url.replace("http", "ws", 1) + "/connection/websocket", token=person.token, proxy=None)
    await client.connect()
    subscription = client.new_subscription(channel, events=watched)
    await subscription.subscribe()
    try:
        yield watched
    finally:
        await client.disconnect()


async def test_an_administrator_sees_the_actors_figures_every_second(house: ServedHouse) -> None:
    async with watching(house, house.admin, "system:actors") as watched:
        await until(lambda: len(watched.seen) >= 2)

    assert {seen["type"] for seen in watched.seen} == {"actors.measured"}
    kinds = {one["kind"]: one for one in watched.seen[-1]["items"]}
    assert kinds["accounts"]["handled"] == 2 and watched.seen[-1]["degraded"] == []
    assert watched.seen[0]["at"] < watched.seen[1]["at"]


async def test_an_administrator_sees_lines_of_the_log_as_they_are_written(house: ServedHouse) -> None:
    async with watching(house, house.admin, "system:logs") as watched:
        await until(lambda: bool(house.house.realtime.hub.present("system:logs")))
        for number in range(1_000):
            log.info("counted", number=number, padding="p" * 200)

        def numbers() -> list[int]:
            lines = [line for seen in watched.seen for line in seen["lines"]]
            return [line["number"] for line in lines if line["event"] == "counted"]

        await until(lambda: len(numbers()) == 1_000)

    assert numbers() == list(range(1_000))
    assert {seen["type"] for seen in watched.seen} == {"lines.logged"}
    assert len(watched.seen) > 200 * 1_000 / MOST_BYTES


@pytest.mark.parametrize("channel", ["system:logs", "system:actors"])
async def test_nobody_else_sees_them(house: ServedHouse, channel: str) -> None:
    async with watching(house, house.ada, channel) as watched:
        await until(lambda: bool(watched.errors or watched.ended_with))
    assert watched.seen == [] and 103 in {*watched.errors, *watched.ended_with}


async def test_who_is_no_administrator_any_more_sees_no_more(house: ServedHouse) -> None:
    ben = await house.person("ben", "admin")
    async with watching(house, ben, "system:actors") as watched:
        await until(lambda: bool(watched.seen))
        await house.refs("account", ben.id).ask(SetRole(user_id=ben.id, role="user"), SYSTEM)
        await until(lambda: bool(watched.ended_with))
        assert house.house.realtime.hub.present("system:actors") == []
    assert watched.ended_with[0] in {2000, 103}
