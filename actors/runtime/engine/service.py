"""A service at work: stateless, several messages at a time."""

from collections import deque
from collections.abc import Coroutine, Iterable
from itertools import chain
from time import perf_counter
from typing import TYPE_CHECKING, Any

from actors.runtime.actor import Decision
from actors.runtime.engine.mailbox import RUN, Cell
from actors.runtime.engine.turn import commit, conclude, instead, uninterrupted, waits_for_commit
from actors.runtime.envelope import Envelope
from actors.runtime.errors import DomainError

if TYPE_CHECKING:
    from actors.runtime.engine.office import Office


class ServiceCell(Cell):
    """See the module.

    A service has no state to lose, and its messages have nothing to do with each other: when one crashes, that one
    alone waits for the backoff; the others go on.
    """

    __slots__ = ("active", "retries")

    def __init__(self, office: "Office", key: str) -> None:
        super().__init__(office, key)
        self.active = 0  # turns that wait for something
        self.retries: deque[Envelope] = deque()  # tells that crashed, until their backoff is over

    def mail(self) -> Iterable[Envelope]:
        """What has not been started, oldest first."""
        return chain(self.retries, self.box or ())

    def leftovers(self) -> list[Envelope]:
        """Take out what has not been started."""
        left = super().leftovers()
        self.retries.clear()
        return left

    def drain(self) -> None:
        """Start waiting messages, up to the bound of concurrency."""
        office, box = self.office, self.box
        started = perf_counter()
        count = self._handle(box) if box else 0
        office.started(count)
        office.statistics.record(perf_counter() - started, count)
        if not box:
            self.box, self.busy = None, False
        elif self.active < office.behaviour.concurrency:
            office.call_soon(self.drain)

    def _handle(self, box: deque[Envelope]) -> int:
        """Run plain handlers right here; return how many messages were handled."""
        now, count, limit = self.office.monotonic(), 0, self.office.behaviour.concurrency
        while box and self.active < limit and count < RUN:
            envelope = box.popleft()
            if envelope.deadline is not None and envelope.deadline <= now:
                self.expire(envelope)
            elif envelope.handler.is_async:
                self.office.started(1)
                self._begin(envelope, self._run(envelope))
            else:
                count += 1
                self._handle_plain(envelope)
        return count

    def _handle_plain(self, envelope: Envelope) -> None:
        try:
            self.enter(envelope)
            result = envelope.handler.call(envelope.message, envelope)
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker is answered
            self.failed(envelope, error)
            return
        if waits_for_commit(result):
            self._begin(envelope, self._commit(envelope, result))
        else:
            envelope.answer(result.reply if isinstance(result, Decision) else result)

    def _begin(self, envelope: Envelope, turn: Coroutine[Any, Any, None]) -> None:
        self.active += 1
        self.office.begin(envelope, turn)

    def _ended(self) -> None:
        self.active -= 1
        if self.box and self.active == self.office.behaviour.concurrency - 1:
            self.office.call_soon(self.drain)

    async def _run(self, envelope: Envelope) -> None:
        """The turn of an async handler."""
        self.enter(envelope)
        started = perf_counter()
        try:
            result = await uninterrupted(envelope.handler.call(envelope.message, envelope))
            if waits_for_commit(result):
                result = await uninterrupted(self._committed(envelope, result))
            envelope.answer(result.reply if isinstance(result, Decision) else result)
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker is answered
            self.failed(envelope, error)
        finally:
            self.office.statistics.record(perf_counter() - started, 1)
            self._ended()

    async def _commit(self, envelope: Envelope, decision: Decision[Any]) -> None:
        try:
            envelope.answer(await uninterrupted(self._committed(envelope, decision)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker is answered
            self.failed(envelope, error)
        finally:
            self._ended()

    async def _committed(self, envelope: Envelope, decision: Decision[Any]) -> Any:
        if decision.events:
            raise TypeError(f"{self.office.name} is a service: it has no stream for events")
        try:
            (rows,) = await commit(self.office, self.office.name, [(envelope, decision)])
        except DomainError as error:
            return await instead(decision, error)
        return conclude(decision, rows)

    def restart(self, again: Envelope | None, delay_seconds: float) -> None:
        """Try ``again`` once more after the delay."""
        if again is not None:
            self.retries.append(again)
            self.office.started(-1)
            self.office.call_later(delay_seconds, self._retry)

    def _retry(self) -> None:
        if self.retries:  # a stop may have taken it
            box = self.box = self.box or deque()
            box.appendleft(self.retries.popleft())
            if not self.busy:
                self.busy = True
                self.drain()
