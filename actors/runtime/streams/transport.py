"""The transport of one house among many: which partitions are its own, and how mail leaves for the others."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from actors.runtime.envelope import Envelope
from actors.runtime.errors import DomainError, Overloaded, Unavailable
from actors.runtime.placement.partitions import PARTITIONS, partition_of
from actors.runtime.ports import Lease, Mail
from actors.runtime.streams.arrivals import Arrivals, read_for_ever
from actors.runtime.streams.asked import Asked
from actors.runtime.streams.clock import SharedClock
from actors.runtime.streams.owned import MOST_WAITING, Owned, Waiting
from actors.runtime.streams.parts import Parts
from actors.runtime.streams.post import Post
from actors.runtime.streams.tending import CROWDED, Tending
from actors.runtime.streams.wire import MOVED, POKE, Arrived, Seal, Wire, gate
from actors.runtime.transport import AtWork, Deliver, Destination

CACHED_KEYS = 200_000
LOSABLE = 0  # the number of what is no message, and of which nobody hears when it is lost
LIMIT_BYTES = 64 * 1024 * 1024


class Streams:
    """Implements `transport.Transport` for the actors, and `ports.Holder` for who decides about partitions.

    * An entity whose partition is this house's own gets its mail by reference; services always do.
    * Order holds per sender and receiver, also while a partition changes hands. Mail that was held up on its way and
      overtaken is dropped.
    * While the streams are away, what would have to leave the house is refused `Unavailable` at once; an ask whose
      message or answer was under way hears `TimedOut` within about a second (a query: `Unavailable`).
    * A message is begun again by the next owner when the last one died with it. What it has committed takes effect
      once; its answer is lost, and so `TimedOut`.
    * A house that does not hold its lease starts nothing for its partitions, and answers nobody for them.
    """

    def __init__(
        self,
        mail: Mail,
        lease: Lease,
        *,
        seal: Seal | None = None,
        capacity: int = 100_000,
        partitions: int = PARTITIONS,
        limit_bytes: int = LIMIT_BYTES,
        by_reference: bool = True,
    ) -> None:
        """``capacity`` and ``limit_bytes`` bound what is under way to other houses; ``seal`` encrypts secrets.

        Without ``by_reference``, for tests, what lives in this house is reached through the streams as well.
        """
        self._by_reference = by_reference
        self._incarnation = lease.incarnation
        wire = Wire(lease.incarnation, seal)
        asked = Asked(wire, capacity, limit_bytes)
        clock = SharedClock()
        post = Post(mail, clock, lost=self._lost, deleted=self._deleted, lengths=self._measured)
        self.parts = Parts(lease, mail, wire, asked, post, clock, [None] * partitions)
        self._arrivals = Arrivals(self.parts, lease.incarnation)
        self._numbers: dict[tuple[str, str], int] = {}
        self._gates = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to read and write. Raises ConnectionError, TimeoutError: the streams are not there."""
        parts, arrivals = self.parts, self._arrivals
        await parts.clock.measure(parts.mail)
        work = [
            parts.post.run(),
            Tending(parts, self._send_gate).run(),
            read_for_ever(parts.mail.reader(), arrivals.wanted_mail, arrivals.take_mail),
            read_for_ever(parts.mail.reader(), arrivals.wanted_busy_mail, arrivals.take_mail),
            read_for_ever(parts.mail.reader(), arrivals.wanted_answers, arrivals.take_answers),
        ]
        self._tasks = [asyncio.create_task(part, name="streams") for part in work]

    async def stop(self, timeout_seconds: float = 1.0) -> None:
        """Write what waits to be written, then end."""
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        while not self.parts.post.is_empty and asyncio.get_running_loop().time() < deadline:
            self.parts.post.flush()
            await asyncio.sleep(0.01)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.parts.asked.give_up()

    # For the actors

    def way_to(self, destination: Destination) -> Deliver:
        """Return what senders call."""
        if not destination.is_entity:
            return destination.deliver
        self.parts.destinations[destination.name] = destination
        owned, numbers, kind = self.parts.owned, self._numbers, destination.name
        deliver, is_held, by_reference = destination.deliver, self.parts.lease.is_held, self._by_reference

        def send(key: str, envelope: Envelope) -> None:
            try:
                number = numbers[kind, key]
            except KeyError:
                number = self._number(kind, key)
            mine = owned[number]
            if mine is not None and mine.is_open and by_reference and is_held():
                deliver(key, envelope)
            else:
                self._send_away(destination, number, key, envelope)

        return send

    def number_of(self, kind: str, key: str) -> int:
        """Return the partition of an entity."""
        found = self._numbers.get((kind, key))
        return self._number(kind, key) if found is None else found

    def _number(self, kind: str, key: str) -> int:
        if len(self._numbers) >= CACHED_KEYS:
            self._numbers.clear()
        number = self._numbers[kind, key] = partition_of(kind, key) % len(self.parts.owned)
        return number

    def _send_away(self, destination: Destination, number: int, key: str, envelope: Envelope) -> None:
        destination.admit()
        mine = self.parts.owned[number]
        if mine is None or mine.is_closing or not self._by_reference:
            self._append(destination, number, key, envelope)
        elif not self.parts.lease.is_held():
            raise Unavailable("this house does not hold its lease")
        elif self.parts.post.is_down:
            raise Unavailable("the partition is not open yet, and what carries mail between houses is away")
        elif len(mine.waiting) >= MOST_WAITING:
            raise Overloaded("too much waits for the partition to be open")
        else:
            mine.waiting.append(Waiting(destination, key, envelope))
        destination.keep_deadline(envelope)

    def _append(self, destination: Destination, number: int, key: str, envelope: Envelope) -> None:
        parts, asked = self.parts, self.parts.asked
        stream = f"mb:{number}"
        if parts.post.is_down:
            raise Unavailable("what carries mail between houses is away")
        if stream in parts.crowded:
            raise Overloaded("too much waits for the partition")
        asked.check(destination, key)
        data = parts.wire.pack(destination, key, envelope, asked.number + 1, parts.clock.now_ms())
        asked.number += 1
        asked.add(destination, key, envelope, len(data), asyncio.get_running_loop().time())
        parts.post.send(stream, data, asked.number)

    # For who decides about partitions

    def open(self, epochs: Mapping[int, int]) -> None:
        """See `ports.Holder.open`."""
        for number, epoch in epochs.items():
            mine = self.parts.owned[number] = Owned(number, epoch, self.parts.asked.number)
            self._send_gate(mine)
        self.parts.post.send(f"poke:{self._incarnation}", POKE, None)  # ends the read that does not know of them yet

    def failed_seconds_ago(self) -> float | None:
        """See `ports.Holder.failed_seconds_ago`."""
        failed_at = self.parts.clock.failed_at
        return None if failed_at is None else asyncio.get_running_loop().time() - failed_at

    def heard_seconds_ago(self) -> float:
        """How long ago the streams have answered last."""
        return asyncio.get_running_loop().time() - self.parts.clock.heard_at

    def tell_moved(self, incarnations: Sequence[int]) -> None:
        """See `ports.Holder.tell_moved`."""
        if not self.parts.post.is_down:
            for incarnation in incarnations:
                self.parts.post.send(f"poke:{incarnation}", MOVED, LOSABLE)

    def _send_gate(self, mine: Owned) -> None:
        self._gates += 1
        mine.gate = gate(self._incarnation, mine.epoch, self._gates)
        mine.gate_sent_at = asyncio.get_running_loop().time()
        self.parts.post.send(mine.stream, mine.gate, None)

    def close(self, numbers: Sequence[int]) -> None:
        """See `ports.Holder.close`. Mail that was not started goes to the next owner."""
        closing = [mine for number in numbers if (mine := self.parts.owned[number]) and not mine.is_closing]
        for mine in closing:
            mine.is_closing, mine.is_open = True, False
        for mine, at_work, mail in self._vacate(closing):
            mine.at_work = at_work
            for waiting in mail:
                self._pass_on(mine, waiting)

    def is_closed(self, number: int) -> bool:
        """See `ports.Holder.is_closed`."""
        mine = self.parts.owned[number]
        if mine is None or not mine.is_closing:
            return mine is None
        return mine.has_ended if self.parts.post.is_down else mine.is_idle  # away: nothing can be settled any more

    def drop(self, numbers: Sequence[int]) -> None:
        """See `ports.Holder.drop`."""
        gone = [mine for number in numbers if (mine := self.parts.owned[number])]
        for mine in gone:
            self.parts.owned[mine.number], mine.is_open = None, False
        for _, _, mail in self._vacate(gone):
            for waiting in mail:
                if not isinstance(waiting.envelope, Arrived):
                    waiting.envelope.refuse(Unavailable("this house does not own the partition any more"))

    def _vacate(self, gone: Sequence[Owned]) -> list[tuple[Owned, list[AtWork], list[Waiting]]]:
        """Take all out of partitions: actors whose turn is under way, and mail that was not started, in order."""
        taken: dict[int, tuple[Owned, list[AtWork], list[Waiting]]] = {mine.number: (mine, [], []) for mine in gone}

        def is_gone(kind: str, key: str) -> bool:
            return self.number_of(kind, key) in taken

        for kind, destination in self.parts.destinations.items():
            at_work, mail = destination.vacate(partial(is_gone, kind))
            for actor in at_work:
                taken[self.number_of(kind, actor.key)][1].append(actor)
            for key, envelope in mail:
                taken[self.number_of(kind, key)][2].append(Waiting(destination, key, envelope))
        for mine, _, mail_of in taken.values():
            mail_of.extend(mine.waiting)
            mine.waiting.clear()
        return list(taken.values())

    def _pass_on(self, mine: Owned, waiting: Waiting) -> None:
        """Give mail that was not started to the next owner: what came from elsewhere lies in the stream already."""
        destination, key, envelope = waiting
        if isinstance(envelope, Arrived):
            mine.hand.pop(envelope.entry, None)
            return
        try:
            self._append(destination, mine.number, key, envelope)
        except DomainError as error:
            envelope.refuse(error)
        else:
            destination.keep_deadline(envelope)

    # What the post tells

    def _lost(self, numbers: Sequence[int], is_unknown: bool) -> None:  # noqa: FBT001 - one of two outcomes
        self.parts.asked.lost(numbers, is_unknown=is_unknown)

    def _deleted(self, done: Mapping[str, Sequence[bytes]]) -> None:
        for stream, entries in done.items():
            mine = self.parts.of(stream) if stream.startswith("mb:") else None
            if mine is not None:
                for entry in entries:
                    mine.hand.pop(entry, None)

    def _measured(self, lengths: Mapping[str, int]) -> None:
        for stream, length in lengths.items():
            if length > CROWDED and stream.startswith("mb:"):
                self.parts.crowded[stream] = length

    def figures(self) -> dict[str, Any]:
        """What this house owns and has under way: for those who watch it."""
        mine = [one for one in self.parts.owned if one is not None]
        parts = self.parts
        return {
            "partitions": len(mine), "open": sum(one.is_open for one in mine), "lag": parts.lag,
            "pending": sum(len(one.hand) for one in mine), "asked": len(parts.asked), "late": parts.late,
            "not_understood": parts.not_understood, "outages": parts.post.outages, "is_away": parts.post.is_down,
        }  # fmt: skip
