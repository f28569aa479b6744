"""The published Python client, unmodified, against the house."""

import pytest
from centrifuge import ReplyError

from handlers.ports import Revocation
from tests.realtime import scenarios
from tests.realtime.conftest import RealtimeHouse, StartHouse
from tests.realtime.world import ALICE, CHAT, OTHER_TASK, TASK

MINE = f"task:{TASK}"


async def test_a_client_that_loses_its_connection_misses_nothing(house: RealtimeHouse) -> None:
    async def publish(number: int) -> None:
        house.publish(MINE, number=number)

    await scenarios.recovers_every_publication(house.url, house.tokens.issue(ALICE), MINE, publish)


async def test_a_client_calls_operations(house: RealtimeHouse) -> None:
    token = house.tokens.issue(ALICE)
    assert (await scenarios.calls(house.url, token, "task.get", {"task_id": TASK}))["id"] == TASK
    with pytest.raises(ReplyError) as refused:
        await scenarios.calls(house.url, token, "task.get", {"task_id": OTHER_TASK})
    assert refused.value.code == 1404


async def test_a_client_publishes_and_looks_at_a_channel(house: RealtimeHouse) -> None:
    for number in range(3):
        house.publish(MINE, number=number)
    async with scenarios.connected(house.url, house.tokens.issue(ALICE)) as (client, seen):
        await client.publish(f"chat:{CHAT}", {"content": "hello"})
        history = await client.history(MINE, limit=2, reverse=True)
        assert [publication.offset for publication in history.publications] == [3, 2]
        assert (await client.presence_stats(f"user:{ALICE}")).num_clients == 1
        house.publish(f"user:{ALICE}", number=7)
        await scenarios.until(lambda: bool(seen.own))
        assert seen.own[0]["number"] == 7
    assert len(house.operations.sent) == 1


async def test_a_forged_token_is_refused_for_good(house: RealtimeHouse) -> None:
    await scenarios.is_refused(house.url, "forged", 3500)


async def test_an_expired_token_is_replaced(house: RealtimeHouse) -> None:
    await scenarios.fetches_a_token(house.url, house.tokens.issue(ALICE, -1), house.tokens.issue(ALICE))


async def test_a_client_refreshes_its_token_in_time(start_house: StartHouse) -> None:
    house = await start_house(expiry_grace_seconds=0.5)
    short, fresh = house.tokens.issue(ALICE, 1.5), house.tokens.issue(ALICE)
    await scenarios.outlives_its_token(house.url, short, fresh, 2.5)


async def test_a_revocation_ends_the_client(house: RealtimeHouse) -> None:
    async def revoke() -> None:
        house.tokens.revoke(Revocation(ALICE))

    await scenarios.is_ended_by(house.url, house.tokens.issue(ALICE), revoke, 3500)
