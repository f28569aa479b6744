"""A batch at work: all that waits for one kind of message of a service, decided and committed at once."""

import asyncio
from collections import deque
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

from actors.runtime.actor import Settled
from actors.runtime.engine.service import ServiceCell
from actors.runtime.engine.turn import CrashedAfterCommit, UnknownOutcome, answer_all, commit_together, uninterrupted
from actors.runtime.envelope import Envelope
from actors.runtime.errors import Internal

if TYPE_CHECKING:
    from actors.runtime.engine.kind import Handler
    from actors.runtime.engine.office import Office


Committed = tuple[Sequence[Envelope], Settled[Any]]
HEAD_START = 3
"""Steps of the loop until a batch that was begun is on its way to the database: its task, the lane's, its wait."""


class BatchCell(ServiceCell):
    """The mailbox of one ``together`` handler. One batch at a time: while it is committed, the next one gathers.

    That one is on its way before this one is answered: what 32 requests do with their answers keeps the loop busy for
    1.5 ms, in which the database would have nothing to do (with it, 24 % more POSTs of a task; `bench http`).
    """

    __slots__ = ("handler",)

    def __init__(self, office: "Office", handler: "Handler") -> None:
        super().__init__(office, handler.mailbox)
        self.handler = handler

    def drain(self) -> None:
        """Take what waits, up to the handler's bound, and start it as one batch."""
        office, box = self.office, self.box or deque()
        now = office.monotonic()
        batch: list[Envelope] = []
        while box and len(batch) < self.handler.together:
            envelope = box.popleft()
            if envelope.deadline is not None and envelope.deadline <= now:
                self.expire(envelope)
            else:
                batch.append(envelope)
        office.started(len(batch))
        if batch:
            office.begin(batch, self._run_batch(batch))
        else:
            self.box, self.busy = None, False

    async def _run_batch(self, batch: list[Envelope]) -> None:
        self.enter(batch[0])
        started = perf_counter()
        committed = await self._together(batch)
        self.office.statistics.record(perf_counter() - started, len(batch))
        self.drain()
        try:
            for _ in range(HEAD_START if self.busy else 0):
                await asyncio.sleep(0)
        finally:
            for part, settled in committed:
                answer_all(part, settled)

    async def _together(self, batch: Sequence[Envelope]) -> Sequence[Committed]:
        """Decide and commit; return what is to be answered, and refuse the rest.

        A batch that crashes or is refused as a whole has changed nothing: each message is tried alone, so that
        only the culprit counts. When nothing can be stored, or nobody knows whether it was, all hear so.
        """
        try:
            together = self.handler.call([(envelope.message, envelope) for envelope in batch])
            if self.handler.is_async:
                together = await uninterrupted(together)
            return [(batch, await uninterrupted(commit_together(self.office, batch, together)))]
        except CrashedAfterCommit as error:
            for envelope in batch[1:]:
                envelope.refuse(Internal())
            self.failed(batch[0], error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the askers are answered
            if len(batch) > 1 and not isinstance(error, ConnectionError | UnknownOutcome):
                return [one for envelope in batch for one in await self._together([envelope])]
            for envelope in batch:
                self.failed(envelope, error)
        return ()
