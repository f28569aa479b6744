"""Group commit: one turn is one transaction, and turns that wait at the same time share one."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence

from storage.errors import DuplicateTurn
from storage.house import House
from storage.journal.lane import Lane
from storage.journal.session import Session
from storage.journal.together import Batch, Follow, Told
from storage.journal.turns import Stored, Turn
from storage.postgres import Record
from storage.queries import Statement
from storage.recent import Recent
from storage.write import Write

SHARED_LANE = 0


class Journal:
    """Commits turns in a few serial lanes; the shared nouns have lane 0 to themselves.

    * All of a turn is committed, or nothing of it.
    * A turn that was answered is durable; one that was cancelled by its asker runs to its end all the same.
    * Order of ``seq`` inside (house, lane) is order of commit: the relay depends on it.
    * A house that was declared dead commits nothing (`Fenced`).
    * While PostgreSQL is gone turns are refused at once; when it is back, the next turn succeeds.
    """

    def __init__(
        self,
        dsn: str,
        house: House,
        *,
        lanes: int = 4,
        capacity: int = 10_000,
        duplicate: Callable[[], Exception] = DuplicateTurn,
    ) -> None:
        """``capacity`` bounds what waits for one lane; ``duplicate`` makes the answer to a repeated cause."""
        self.recent = Recent()
        """What was committed last, for those who follow."""
        self._listeners: list[Callable[[], None]] = []
        self._lanes = [
            Lane(Session(dsn, house, lane, self.recent), capacity, duplicate, self._listeners)
            for lane in range(lanes + 1)
        ]

    async def start(self) -> None:
        """Connect every lane. Raises `DatabaseUnavailable`."""
        await asyncio.gather(*(lane.start() for lane in self._lanes))

    async def stop(self) -> None:
        """Finish what waits, accept nothing more, and disconnect."""
        await asyncio.gather(*(lane.stop() for lane in self._lanes))

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after each transaction, whether or not it was committed. It must not raise."""
        self._listeners.append(listener)

    async def commit(
        self, *, lane: str, cause: str, caller: str | None, events: Sequence[Stored], writes: Sequence[Write]
    ) -> list[list[Record]]:
        """Commit one turn and return the rows of each write, in order.

        Raises:
            DuplicateTurn: (or what ``duplicate`` makes) the cause has left events in one of these streams before.
            StaleState: a stream has moved on; also for an unmet expectation without ``otherwise``.
            DatabaseUnavailable: nothing was changed.
            UnknownOutcome: the connection was lost in COMMIT, and neither an event of the transaction nor its
                absence could be seen: the database did not come back, or no turn in it had events.
            IntegrityViolation, StatementFailed: a bug; nothing was changed.
            Exception: a write's ``otherwise`` or its answer to a constraint; nothing was changed.
        """
        turn = Turn(cause, caller, events, writes)
        self._lanes[self._number(lane)].put(turn)
        return await turn.future

    async def commit_together(
        self, *, statement: Statement, args: Sequence[object], follow: Follow | None = None, told: Told | None = None
    ) -> list[Record]:
        """Commit a batch of turns of a shared noun as one fenced statement, and return its rows.

        The statement gets ``$1 incarnation, $2 house, $3 lane, $4 first seq`` and then ``args``, and may insert up
        to 65,536 events. ``follow`` makes further writes of the same transaction from its rows; without it the
        statement is the whole transaction. ``told`` is called when that is committed: it says which event was
        stored under the ``seq`` of each row, if any. Where it does not know (None) the table is read.

        Raises:
            IntegrityViolation: a constraint of the statement was violated (`constraint` names it); nothing was
                changed, so the caller may split the batch and try again.
            Contended: a deadlock or serialization failure; nothing was changed, the same again may pass.
            UnknownOutcome: the connection was lost; without ``follow`` always so, since the rows are lost with it.
            Exception: as `commit`; whatever ``told`` raises: it is committed.
        """
        batch = Batch(statement, args, follow, told)
        self._lanes[SHARED_LANE].put(batch)
        return await batch.future

    def statistics(self) -> list[dict[str, int]]:
        """Per lane: what waits, and turns and transactions since start."""
        return [{"waiting": len(lane), "turns": lane.turns, "transactions": lane.transactions} for lane in self._lanes]

    def _number(self, key: str) -> int:
        digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
        return 1 + int.from_bytes(digest) % (len(self._lanes) - 1)
