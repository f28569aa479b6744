"""What comes in: mail for the partitions of this house, and answers to what it has asked."""

import asyncio
import logging
from asyncio import Future
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from actors.runtime.errors import AlreadyDone, DomainError, Internal, TimedOut
from actors.runtime.packing import Frame, decoder
from actors.runtime.ports import Entry, MailReader
from actors.runtime.streams.owned import Owned
from actors.runtime.streams.parts import Parts
from actors.runtime.streams.wire import GATE, MOVED, Arrived, unpack_answers
from actors.runtime.transport import Destination

log = logging.getLogger(__name__)
COUNT = 100  # entries of one stream in one read
BLOCK_SECONDS = 1.5
AGAIN_SECONDS = 0.1
RUN = 256  # entries taken before the loop's other callbacks get their turn
BUSY_SECONDS = 1.0  # a stream is busy for so long after mail

After = Mapping[str, bytes]


async def read_for_ever(
    reader: MailReader, wanted: Callable[[], After], take: Callable[[After, Sequence[Entry]], Awaitable[None]]
) -> None:
    """Read what is wanted, until cancelled. While the streams are away it goes on trying."""
    try:
        while True:
            after = wanted()
            try:
                entries = await reader.read(after, COUNT, BLOCK_SECONDS)
            except OSError:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            try:
                await take(after, entries)
            except Exception:
                log.exception("mail_not_taken")
    finally:
        await reader.close()


class Arrivals:
    """See the module.

    Each read pays for every stream that it names, so two read mail: one where some came of late, one everywhere else.
    An open partition is always read by at least one. Where both read the same, who comes second leaves it: it has
    read behind a place that is not the last any more.
    """

    def __init__(self, parts: Parts, incarnation: int) -> None:
        self._parts = parts
        self._incarnation = incarnation
        self._pokes, self._replies = f"poke:{incarnation}", f"re:{incarnation}"
        self._last = {self._pokes: b"0", self._replies: b"0"}
        self._busy: dict[str, Owned] = {}
        self._read_as_busy: After = {}  # what the read under way, or the next one, names

    def wanted_mail(self) -> After:
        """Where to read mail: everywhere but where it is busy, and read as such already."""
        quiet_since, parts = asyncio.get_running_loop().time() - BUSY_SECONDS, self._parts
        self._busy = {stream: mine for stream, mine in self._busy.items() if mine.busy_at > quiet_since}
        left = {self._busy[stream] for stream in self._busy.keys() & self._read_as_busy.keys()}
        open_ = [mine for mine in parts.owned if mine is not None and not (mine.is_closing or mine in left)]
        return {mine.stream: mine.last for mine in open_} | self._after_pokes()

    def wanted_busy_mail(self) -> After:
        """Where to read mail: where it is busy."""
        owned = self._parts.owned
        busy = [mine for mine in self._busy.values() if owned[mine.number] is mine and not mine.is_closing]
        self._read_as_busy = {mine.stream: mine.last for mine in busy} | self._after_pokes()
        return self._read_as_busy

    def _after_pokes(self) -> dict[str, bytes]:
        return {self._pokes: self._last[self._pokes]}

    def wanted_answers(self) -> After:
        """Where to read answers."""
        return {self._replies: self._last[self._replies]}

    async def take_answers(self, after: After, entries: Sequence[Entry]) -> None:
        """Answer those who have asked."""
        del after
        for stream, entry, data in entries:
            self._last[stream] = entry
            self._parts.post.done(stream, entry, can_wait=True)
            for number, answer in unpack_answers(data):
                self._parts.asked.settle(number, answer)

    async def take_mail(self, after: After, entries: Sequence[Entry]) -> None:
        """Deliver mail. What was read for an ownership that has ended since is left where it is."""
        taken, now = 0, asyncio.get_running_loop().time()
        for stream, some in groupby(entries, key=itemgetter(0)):
            if stream == self._pokes:
                if self._last[stream] == after[stream]:
                    self._take_pokes(some)
                continue
            mine = self._parts.of(stream)
            if mine is None or mine.is_closing or mine.last != after[stream]:
                continue
            if mine.is_open:  # a gate, and what is left before it, makes nothing busy
                mine.busy_at, self._busy[stream] = now, mine
            for _, entry, data in some:
                mine.last = entry
                if entry not in mine.hand:
                    self._take(mine, entry, data)
                taken += 1
            if taken >= RUN:
                taken = 0
                await asyncio.sleep(0)

    def _take_pokes(self, entries: Iterable[Entry]) -> None:
        for stream, entry, data in entries:
            self._last[stream] = entry
            self._parts.post.done(stream, entry, can_wait=True)
            if data == MOVED:
                self._parts.on_moved()

    def _take(self, mine: Owned, entry: bytes, data: bytes) -> None:
        mine.hand[entry] = None
        if data[:1] == GATE:
            if data == mine.gate:
                self._open(mine)
            self._parts.post.done(mine.stream, entry)
            return
        try:
            frame = decoder(Frame).decode(data)
        except msgspec.DecodeError:
            log.exception("mail_not_understood", extra={"stream": mine.stream})
            self._parts.not_understood += 1
            self._parts.post.done(mine.stream, entry)
            return
        if frame.number <= mine.heard.get(frame.reply_to, 0):
            self._parts.late += 1
            self._parts.post.done(mine.stream, entry)
            return
        mine.heard[frame.reply_to] = frame.number
        self._deliver(mine, entry, frame)

    def _deliver(self, mine: Owned, entry: bytes, frame: Frame) -> None:
        parts = self._parts
        reply: Future[Any] = asyncio.get_running_loop().create_future()
        try:
            destination = parts.destinations[frame.kind]
            arrived = parts.wire.unpack(destination, frame, entry, parts.clock.now_ms(), reply)
        except Exception:  # an older house may meet a newer one's mail; a key may be missing
            log.exception("mail_not_understood", extra={"kind": frame.kind, "message_type": frame.type})
            parts.not_understood += 1
            some = next(iter(parts.destinations.values()))
            self._settle(mine, entry, frame.reply_to, frame.number, some.packing.pack_error(Internal()))
            return
        arrived.is_again = not mine.is_open
        mine.hand[entry] = arrived
        reply.add_done_callback(partial(self._ended, mine, destination, arrived))
        try:
            destination.deliver(frame.key, arrived)
        except DomainError as error:
            arrived.refuse(error)

    def _ended(self, mine: Owned, destination: Destination, arrived: Arrived, answered: "Future[Any]") -> None:
        """Answer and delete what has ended for good, unless it is the next owner's by now, or may be any moment."""
        parts = self._parts
        answered.exception()  # was seen, whether or not anybody is told
        if mine.hand.get(arrived.entry) is not arrived or parts.owned[mine.number] is not mine:
            return
        if not parts.lease.is_held():  # until it is again, since nobody else has owned it then; or it is given up
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._ended, mine, destination, arrived, answered)
            return
        mine.hand[arrived.entry] = None
        data = self._answer(destination, arrived, answered) if arrived.is_ask else None
        self._settle(mine, arrived.entry, arrived.asker, arrived.number, data)

    def _answer(self, destination: Destination, arrived: Arrived, answered: "Future[Any]") -> bytes:
        if arrived.is_again and isinstance(answered.exception(), AlreadyDone):
            return destination.packing.pack_error(TimedOut("this was done before, and its answer is lost"))
        try:
            return self._parts.wire.pack_answer(destination, type(arrived.message), arrived.id, answered)
        except Exception:  # a bug; who asks must not wait for nothing
            log.exception("answer_not_packed", extra={"kind": destination.name})
            return destination.packing.pack_error(Internal())

    def _settle(self, mine: Owned, entry: bytes, asker: int, number: int, data: bytes | None) -> None:
        if asker == self._incarnation:
            self._parts.asked.settle(number, data)
        else:
            self._parts.post.answer(asker, number, data)
        self._parts.post.done(mine.stream, entry)

    def _open(self, mine: Owned) -> None:
        """All that this house had sent to the partition was read: from now on its mail goes by reference."""
        mine.is_open = True
        mine.heard[self._incarnation] = max(mine.sent_before, mine.heard.get(self._incarnation, 0))
        while mine.waiting:
            destination, key, envelope = mine.waiting.popleft()
            try:
                destination.deliver(key, envelope)
            except DomainError as error:
                envelope.refuse(error)
