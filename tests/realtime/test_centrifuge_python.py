"""The published Python client, unmodified, against the house."""

from tests.realtime import scenarios
from tests.realtime.conftest import RealtimeHouse
from tests.realtime.world import ALICE, TASK


async def test_a_client_that_loses_its_connection_misses_nothing(house: RealtimeHouse) -> None:
    async def publish(number: int) -> None:
        house.publish(f"task:{TASK}", number=number)

    await scenarios.recovers_every_publication(house.url, house.tokens.issue(ALICE), f"task:{TASK}", publish)
