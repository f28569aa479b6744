"""A lane of the journal: turns and batches one transaction after the other."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from storage.errors import DatabaseUnavailable, QueueFull
from storage.journal.session import Session
from storage.journal.together import Batch, commit_batch
from storage.journal.turns import Turn, commit_turns

MOST_TURNS = 500
"""Turns in one transaction; more gain nothing and make the rest wait."""


class Lane:
    """Serial: one transaction at a time, in the order of arrival. An idle lane owns no task.

    A job that was accepted runs to its end: an asker that gives up stops waiting, and nothing else.
    """

    def __init__(
        self,
        session: Session,
        capacity: int,
        duplicate: Callable[[], Exception],
        listeners: Sequence[Callable[[], None]] = (),
    ) -> None:
        """``listeners``: see `Journal.listen`."""
        self._session = session
        self._listeners = listeners
        self._capacity = capacity
        self._duplicate = duplicate
        self._waiting: deque[Turn | Batch] = deque()
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False
        self.turns = 0  # committed or refused since start
        self.transactions = 0

    def __len__(self) -> int:
        """How many jobs wait."""
        return len(self._waiting)

    async def start(self) -> None:
        """Connect. Raises `DatabaseUnavailable`."""
        await self._session.ready()

    def put(self, job: Turn | Batch) -> None:
        """Accept a job. Raises `QueueFull`, or `DatabaseUnavailable` when the lane stops."""
        if self._is_stopping:
            raise DatabaseUnavailable("the journal is closed")
        if len(self._waiting) >= self._capacity:
            raise QueueFull(f"{self._capacity} turns wait for a lane")
        self._waiting.append(job)
        if self._task is None:
            self._task = asyncio.create_task(self._drain())

    async def stop(self) -> None:
        """Finish what waits, accept nothing more, and disconnect."""
        self._is_stopping = True
        if self._task is not None:
            await self._task
        await self._session.close()

    async def _drain(self) -> None:
        await asyncio.sleep(0)  # those who are about to join share the first transaction
        try:
            while self._waiting:
                await self._step()
                for listener in self._listeners:
                    listener()
        finally:
            self._task = None

    async def _step(self) -> None:
        try:
            await self._session.ready()
        except DatabaseUnavailable as error:
            self._refuse_all(error)
            return
        head = self._waiting[0]
        if isinstance(head, Batch):
            self._waiting.popleft()
            await commit_batch(self._session, head)
            self.transactions += 1
            return
        turns = self._take_turns()
        self.transactions += await commit_turns(self._session, turns, self._duplicate)
        self.turns += len(turns)

    def _take_turns(self) -> Sequence[Turn]:
        turns: list[Turn] = []
        while self._waiting and len(turns) < MOST_TURNS:
            job = self._waiting[0]
            if not isinstance(job, Turn):
                break
            self._waiting.popleft()
            turns.append(job)
        return turns

    def _refuse_all(self, error: DatabaseUnavailable) -> None:
        """Nobody waits for a database that is gone: each try to connect may take seconds."""
        while self._waiting:
            self._waiting.popleft().settle(DatabaseUnavailable(str(error)))
