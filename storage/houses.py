"""Which houses a database knows, and what they say of their mail."""

from storage import queries
from storage.postgres import Database, Record

Q = queries.load("houses")


class HouseStore:
    """Reads of the houses' rows; a house changes its own (`storage.house`)."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def list_houses(self, after: int | None, limit: int) -> list[Record]:
        """Houses in the order of their ids, those after ``after``."""
        return await self._db.fetch(Q.list_houses, after, limit)

    async def update_figures(self, incarnation: int, *, lag: int, pending: int, hand_overs: int) -> None:
        """Say how a house stands."""
        await self._db.execute(Q.update_house_figures, incarnation, lag, pending, hand_overs)
