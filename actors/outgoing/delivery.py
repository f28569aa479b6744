"""Takes what is due to where it belongs: one worker per channel and house.

At least once: a house that dies after the other side has taken a parcel, and before that is marked, sends it again when
its lease has run out, under the same parcel id. That is the only way to a duplicate.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Literal

import stamina

from actors.outgoing.attempt import Attempt
from actors.outgoing.breaker import Breaker
from actors.outgoing.masking import describe
from actors.outgoing.port import Deferred, Outlet, Parcel, Recipient, Rejected
from actors.outgoing.settings import OutgoingSettings
from actors.runtime.ids import uuid7
from actors.runtime.looks import Looks
from actors.runtime.ports import Clock
from storage.outgoing import Copy, OutgoingStore

log = logging.getLogger(__name__)
GRACE_SECONDS = 3.0
"""What is under way may end while the house stops; what does not is sent again by the next one."""
MARK_SECONDS = 20.0
"""So long it is tried to mark what has been sent: without the mark it would be sent again."""
_BREAKER_STATES = {"closed": 0, "half_open": 1, "open": 2}
_jitter = random.Random().uniform  # noqa: S311 - spreads retries, guards nothing

Ended = Literal["sent", "dropped", "dead"]


class Delivery:
    """See the module. While its breaker is open rows only wait; while the database is gone it keeps trying.

    ``looks`` says how soon it learns of what nobody woke it for; without it it looks every ``poll_seconds``.
    """

    def __init__(
        self,
        outlet: Outlet,
        store: OutgoingStore,
        clock: Clock,
        settings: OutgoingSettings,
        looks: Looks | None = None,
    ) -> None:
        self.channel = outlet.channel
        self._outlet = outlet
        self._store = store
        self._clock = clock
        self._settings = settings
        self._word = {"email": "mail"}.get(outlet.channel, outlet.channel)
        self._counts = Counter[str]()
        self.looks = looks or Looks(settings.poll_seconds)
        self._breaker = Breaker(clock.monotonic, failures=settings.breaker_failures, seconds=settings.breaker_seconds)

    def wake(self) -> None:
        """Look now: something was committed."""
        self.looks.wake()

    def statistics(self) -> dict[str, int]:
        """Rows by how they ended, failed attempts, and the breaker: 0 closed, 1 half open, 2 open."""
        counts = {name: self._counts[name] for name in ("sent", "failed", "dead", "dropped")}
        return {**counts, "breaker": _BREAKER_STATES[self._breaker.state]}

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self.looks.begin()
            try:
                pause = await self.look()
            except Exception as error:
                log.warning("delivery_failed", extra={"channel": self.channel}, exc_info=not is_trouble(error))
                pause = self._settings.poll_seconds
            await self.looks.pause(pause)

    async def look(self) -> float | None:
        """Deliver some of what is due; return the seconds until more may be, or None."""
        most = self._breaker.allows(self._outlet.concurrency)
        if not most:
            return min(self._breaker.seconds_left, self._settings.poll_seconds)
        lease, now = uuid7(), self._clock.now()
        parcels = await self._store.take(
            self.channel, now, most=most, lease=lease, lease_seconds=self._settings.lease_seconds
        )
        if not parcels:
            due_at = await self._store.get_next_due(self.channel)
            return None if due_at is None else max(0.05, (due_at - now).total_seconds())
        await self._finish(asyncio.gather(*(self._deliver(lease, rows) for rows in parcels), return_exceptions=True))
        return 0.0

    async def _finish(self, work: "asyncio.Future[list[BaseException | None]]") -> None:
        try:
            results = await asyncio.shield(work)
        except asyncio.CancelledError:
            with suppress(TimeoutError):
                await asyncio.wait_for(work, GRACE_SECONDS)
            raise
        for error in results:
            if isinstance(error, Exception):
                raise error

    async def _deliver(self, lease: str, rows: Sequence[Any]) -> None:
        for reason in {row["needless"] for row in rows} - {None}:
            await self._end(Attempt(lease, [row for row in rows if row["needless"] == reason]), "dropped", reason)
        attempt = Attempt(lease, [row for row in rows if row["needless"] is None])
        if not attempt.rows:
            return
        if attempt.number > self._settings.attempts:  # nobody lived to say how the last one went
            await self._end(attempt, "dead", "the house ended during its last attempt")
            return
        first = attempt.rows[0]
        reach = await self._outlet.book.reach(Recipient(first["user_id"], first["type"]))
        addresses = [one for one in reach.addresses if first["address"] in (None, one)]
        if not addresses:
            await self._end(attempt, "dropped", reach.reason)
            return
        if len(addresses) > 1:
            await self._split(attempt, addresses)
        await self._try(attempt, attempt.parcel(reach.username, addresses[0]))

    async def _split(self, attempt: Attempt, addresses: Sequence[str]) -> None:
        """From now on each address has attempts of its own, so that none gets twice what another one has missed."""
        copies = []
        for address in addresses[1:]:
            ids = [uuid7() for _ in attempt.rows]
            copies += [Copy(row["id"], id_, ids[0], address) for row, id_ in zip(attempt.rows, ids, strict=True)]
        await self._store.split(attempt.ids, attempt.lease, addresses[0], copies, self._clock.now())
        self.wake()

    async def _try(self, attempt: Attempt, parcel: Parcel) -> None:
        is_trial = self._breaker.state != "closed"
        try:
            async with asyncio.timeout(self._settings.send_seconds):
                await self._outlet.sender.send(parcel)
        except Rejected as error:
            self._answered()
            await self._end(attempt, "dead", describe(error))
            if error.address_is_gone:
                await self._outlet.book.forget(parcel.user_id, parcel.address)
        except Deferred as error:
            self._answered()
            await self._again(attempt, error, after_seconds=error.after_seconds)
        except Exception as error:  # noqa: BLE001 - whatever a sender raises, its channel is in trouble
            if self._breaker.fail():
                seconds = round(self._breaker.seconds_left, 1)
                log.warning("breaker_opened", extra={"channel": self.channel, "seconds": seconds})
            await self._again(attempt, error, counts=not is_trial)
        else:
            self._answered()
            await self._end(attempt, "sent")

    def _answered(self) -> None:
        if self._breaker.succeed():
            log.warning("breaker_closed", extra={"channel": self.channel})

    async def _again(
        self, attempt: Attempt, error: Exception, *, after_seconds: float = 0.0, counts: bool = True
    ) -> None:
        """Let it wait for its next attempt. One that only asked whether the channel is well again costs nothing."""
        self._counts["failed"] += 1
        if counts and attempt.number >= self._settings.attempts:
            await self._end(attempt, "dead", describe(error))
            return
        pauses = self._settings.retry_seconds
        pause = pauses[min(attempt.number, len(pauses)) - 1] * _jitter(1, 1.25) if counts else 0.0
        due_at = self._clock.now() + timedelta(seconds=max(pause, after_seconds))
        await self._store.delay(attempt.ids, attempt.lease, due_at, describe(error), counts=counts)
        self._tell(logging.WARNING, "failed", attempt, error=describe(error), due_at=due_at)

    async def _end(self, attempt: Attempt, state: Ended, reason: str | None = None) -> None:
        async for tried in stamina.retry_context(on=ConnectionError, attempts=None, timeout=MARK_SECONDS, wait_max=2.0):
            with tried:
                await self._store.end(attempt.ids, attempt.lease, state, reason, self._clock.now())
        self._counts[state] += len(attempt.rows)
        self._tell(logging.WARNING if state == "dead" else logging.INFO, state, attempt, error=reason)

    def _tell(self, level: int, what: str, attempt: Attempt, **fields: Any) -> None:
        first = attempt.rows[0]
        known = {key: value for key, value in fields.items() if value is not None}
        log.log(
            level, "%s_%s", self._word, what,
            extra={
                "channel": self.channel, "parcel": first["parcel"], "user_id": first["user_id"],
                "entries": len(attempt.rows), "attempt": attempt.number, **known,
            },
        )  # fmt: skip


def is_trouble(error: Exception) -> bool:
    """Whether it is the database that is gone, which needs no traceback."""
    return isinstance(error, ConnectionError | TimeoutError)
