"""A service at work: stateless, several messages at a time, some kinds of message many at once."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import chain
from time import perf_counter
from typing import TYPE_CHECKING, Any

from actors.runtime.actor import Decision
from actors.runtime.envelope import CURRENT, Current, Envelope
from actors.runtime.errors import DomainError, Internal, Overloaded, TimedOut
from actors.runtime.engine.kind import Handler
from actors.runtime.engine.mailbox import RUN, Cell, refusal
from actors.runtime.ports import DuplicateTurn
from actors.runtime.engine.turn import (
    CrashedAfterCommit,
    answer_all,
    commit,
    commit_together,
    conclude,
    refuse_all,
    waits_for_commit,
)

if TYPE_CHECKING:
    from actors.runtime.engine.office import Office


class ServiceCell(Cell):
    """See the module. Messages that are handled together wait in a queue of their own type, one batch at a time."""

    __slots__ = ("active", "batches", "batching", "retries")

    def __init__(self, office: "Office", key: str) -> None:
        super().__init__(office, key)
        self.active = 0  # turns that wait for something
        self.batches: dict[Handler, deque[Envelope]] = {}
        self.batching: set[Handler] = set()
        self.retries: deque[Envelope] = deque()  # tells that crashed and wait for their backoff

    def post(self, envelope: Envelope) -> None:
        """Accept mail. Raises `Overloaded`; the bound holds for each queue."""
        handler = envelope.handler
        if not handler.together:
            super().post(envelope)
            return
        if len(self.batches.get(handler, ())) >= self.office.capacity:
            raise Overloaded(f"the mailbox of {self.office.name} is full")
        self._enqueue(envelope)

    def _enqueue(self, envelope: Envelope) -> None:
        handler = envelope.handler
        self.batches.setdefault(handler, deque()).append(envelope)
        if handler not in self.batching:
            self.batching.add(handler)
            self.office.call_soon(self._batch, handler)

    def mail(self) -> Iterable[Envelope]:
        """What has not been started: single messages, then those that wait for a batch."""
        return chain(self.retries, self.box or (), *self.batches.values())

    def leftovers(self) -> list[Envelope]:
        """Take out what has not been started."""
        left = super().leftovers()
        self.batches.clear()
        self.retries.clear()
        return left

    def drain(self) -> None:
        """Start waiting messages, up to the bound of concurrency. Plain handlers that decide nothing end here."""
        office, box = self.office, self.box
        limit = office.behaviour.concurrency
        started, now, count = perf_counter(), office.monotonic(), 0
        while box and self.active < limit:
            envelope = box.popleft()
            count += 1
            if envelope.deadline is not None and envelope.deadline <= now:
                office.statistics.expired += 1
                continue
            handler = envelope.handler
            if handler.is_async:
                self._start(self._run(envelope))
                continue
            try:
                result = handler.call(envelope.message, envelope)
            except Exception as error:  # noqa: BLE001 - whatever it is, the asker is answered
                self._failed(envelope, error)
                continue
            if isinstance(result, Decision):
                if waits_for_commit(result):
                    self._start(self._commit(envelope, result))
                    continue
                result = result.reply
            reply = envelope.reply
            if reply is not None and not reply.done():
                reply.set_result(result)
            if count == RUN:
                break
        if not box:
            self.box, self.busy = None, False
        elif self.active < limit:
            office.call_soon(self.drain)
        office.started(count)
        office.statistics.record(perf_counter() - started, count)

    def _start(self, turn: Any) -> None:
        self.active += 1
        self.office.spawn(turn)

    def _ended(self) -> None:
        self.active -= 1
        if self.box and self.active == self.office.behaviour.concurrency - 1:
            self.office.call_soon(self.drain)

    async def _run(self, envelope: Envelope) -> None:
        CURRENT.set(Current(self.office.name, envelope.traceparent))
        try:
            result = await envelope.handler.call(envelope.message, envelope)
            if waits_for_commit(result):
                result = await self._committed(envelope, result)
            elif isinstance(result, Decision):
                result = result.reply
            envelope.answer(result)
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker is answered
            self._failed(envelope, error)
        finally:
            self._ended()

    async def _commit(self, envelope: Envelope, decision: Decision[Any]) -> None:
        try:
            envelope.answer(await self._committed(envelope, decision))
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker is answered
            self._failed(envelope, error)
        finally:
            self._ended()

    async def _committed(self, envelope: Envelope, decision: Decision[Any]) -> Any:
        if decision.events:
            raise TypeError(f"{self.office.name} is a service: it has no stream for events")
        try:
            rows = await commit(self.office, envelope, decision, lane=self.office.name, own=(), save=())
        except TimeoutError:
            raise TimedOut("the outcome is unknown") from None
        return conclude(decision, rows)

    def _failed(self, envelope: Envelope, error: Exception) -> None:
        if isinstance(error, DuplicateTurn):
            envelope.refuse_duplicate()
            return
        refused = refusal(error)
        envelope.refuse(refused or Internal())
        if refused is None:
            self.office.crashed(self, envelope, error, again=not isinstance(error, CrashedAfterCommit))

    def restart(self, again: Envelope | None, delay_seconds: float) -> None:
        """Try ``again`` once more after the delay. A service has no state to forget and is never paused:
        its next message has nothing to do with the one that crashed."""
        if again is not None:
            self.office.house.waiting += 1
            self.retries.append(again)
            self.office.call_later(delay_seconds, self._retry)

    def _retry(self) -> None:
        if self.retries:
            envelope = self.retries.popleft()
            if envelope.handler.together:
                self._enqueue(envelope)
            else:
                super().post(envelope)

    def _batch(self, handler: Handler) -> None:
        """Take what waits for ``handler``, up to its bound, and start it as one batch."""
        queue, office = self.batches.get(handler), self.office
        now, count = office.monotonic(), 0
        batch: list[Envelope] = []
        while queue and len(batch) < handler.together:
            envelope = queue.popleft()
            count += 1
            if envelope.deadline is not None and envelope.deadline <= now:
                office.statistics.expired += 1
            else:
                batch.append(envelope)
        office.started(count)
        if batch:
            office.spawn(self._run_batch(handler, batch))
        else:
            self.batching.discard(handler)

    async def _run_batch(self, handler: Handler, batch: list[Envelope]) -> None:
        started = perf_counter()
        try:
            await self._together(handler, batch)
        finally:
            self.office.statistics.record(perf_counter() - started, len(batch))
            self._batch(handler)

    async def _together(self, handler: Handler, batch: Sequence[Envelope]) -> None:
        """Decide and commit a batch. If it crashes or is refused as a whole, each message is tried alone: only the culprit pays."""
        try:
            together = handler.call([(envelope.message, envelope) for envelope in batch])
            if handler.is_async:
                together = await together
            answer_all(batch, await commit_together(self.office, batch, together))
        except CrashedAfterCommit as error:
            refuse_all(batch, Internal())
            self.office.crashed(self, batch[0], error, again=False)
        except TimeoutError:
            refuse_all(batch, TimedOut("the outcome is unknown"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the askers are answered
            if len(batch) == 1:
                self._failed(batch[0], error)
            elif isinstance(error, ConnectionError):
                refuse_all(batch, refusal(error) or DomainError())
            else:
                for envelope in batch:
                    await self._together(handler, [envelope])
