"""Who owns which partition, as one house sees and changes it: implements `actors.runtime.ports.PlacementRows`."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from storage import queries
from storage.house import House
from storage.postgres import Database

Q = queries.load("placement")


class HouseSeen(NamedTuple):
    """One house that is alive."""

    id: int
    incarnation: int
    alive: bool
    is_expired: bool
    is_leaving: bool
    is_counted: bool
    heard_seconds_ago: float | None


class PartitionSeen(NamedTuple):
    """One partition with its living owner."""

    number: int
    incarnation: int | None
    epoch: int


class PlacementStore:
    """See the module. Everything raises `DatabaseUnavailable`; then it may have happened nevertheless."""

    def __init__(self, db: Database, house: House) -> None:
        self._db = db
        self._house = house

    async def list_houses(self) -> Sequence[HouseSeen]:
        """Houses that are alive, expired or not."""
        return [HouseSeen(*row) for row in await self._db.fetch(Q.list_living)]

    async def list_partitions(self) -> Sequence[PartitionSeen]:
        """All partitions, by number."""
        return [PartitionSeen(*row) for row in await self._db.fetch(Q.list_partitions)]

    async def claim(self, numbers: Sequence[int]) -> Mapping[int, int]:
        """Become the owner of what is nobody's or ours. Raises `Fenced` when this house was declared dead."""
        rows = await self._db.fetch(Q.claim_partitions, self._house.incarnation, list(numbers))
        return {row["number"]: row["epoch"] for row in rows}

    async def release(self, epochs: Mapping[int, int]) -> None:
        """Let go what is still ours in the given epoch."""
        await self._db.execute(Q.release_partitions, self._house.incarnation, list(epochs), list(epochs.values()))

    async def join(self) -> None:
        """Say that this house can serve."""
        await self._db.execute(Q.update_house_joined, self._house.incarnation)

    async def leave(self) -> None:
        """Say that this house is about to stop."""
        await self._db.execute(Q.update_house_leaving, self._house.incarnation)

    async def bury(self, incarnation: int) -> bool:
        """Declare a house dead whose lease has run out; its connections are ended first."""
        await self._db.fetch(Q.terminate_expired, incarnation)
        return bool(await self._db.fetch(Q.update_house_dead, incarnation))
