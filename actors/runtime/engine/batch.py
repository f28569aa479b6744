"""A batch at work: all that waits for one kind of message of a service, decided and committed at once."""

from collections import deque
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from actors.runtime.engine.service import ServiceCell
from actors.runtime.engine.turn import CrashedAfterCommit, UnknownOutcome, answer_all, commit_together, uninterrupted
from actors.runtime.envelope import Envelope
from actors.runtime.errors import Internal

if TYPE_CHECKING:
    from actors.runtime.engine.kind import Handler
    from actors.runtime.engine.office import Office


class BatchCell(ServiceCell):
    """The mailbox of one ``together`` handler. One batch at a time: while it is committed, the next one gathers."""

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
        await self._together(batch)
        self.office.statistics.record(perf_counter() - started, len(batch))
        self.drain()

    async def _together(self, batch: Sequence[Envelope]) -> None:
        """Decide and commit.

        A batch that crashes or is refused as a whole has changed nothing: each message is tried alone, so that
        only the culprit counts. When nothing can be stored, or nobody knows whether it was, all hear so.
        """
        try:
            together = self.handler.call([(envelope.message, envelope) for envelope in batch])
            if self.handler.is_async:
                together = await uninterrupted(together)
            answer_all(batch, await uninterrupted(commit_together(self.office, batch, together)))
        except CrashedAfterCommit as error:
            for envelope in batch[1:]:
                envelope.refuse(Internal())
            self.failed(batch[0], error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the askers are answered
            if len(batch) == 1 or isinstance(error, ConnectionError | UnknownOutcome):
                for envelope in batch:
                    self.failed(envelope, error)
            else:
                for envelope in batch:
                    await self._together([envelope])
