"""What leaves the house: everything that one turn of the loop sends goes in one round trip."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from actors.runtime.ports import Mail
from actors.runtime.streams.clock import SharedClock
from actors.runtime.streams.wire import Answers, pack_answers

log = logging.getLogger(__name__)
MOST = 1_000  # entries of one round trip; more would not be answered in time
PROBE_SECONDS = 0.1


class Batch(NamedTuple):
    """One round trip. ``numbers`` has one for each of ``appends``: None is written again when it was lost."""

    appends: list[tuple[str, bytes]]
    numbers: list[int | None]
    answers: dict[int, Answers]
    done: dict[str, list[bytes]]


class Post:
    """Appends and deletes, in the order in which it is told, one round trip at a time.

    While the streams are away (``is_down``) messages are not taken; answers and deletions wait until they are back.
    ``lost`` hears of messages that were not written, or perhaps not; ``deleted`` of entries that are gone.
    """

    def __init__(
        self,
        mail: Mail,
        clock: SharedClock,
        *,
        lost: Callable[[Sequence[int], bool], None],
        deleted: Callable[[Mapping[str, Sequence[bytes]]], None],
        lengths: Callable[[Mapping[str, int]], None],
    ) -> None:
        self._mail, self._clock = mail, clock
        self._lost, self._deleted, self._lengths = lost, deleted, lengths
        self._appends: list[tuple[str, bytes]] = []
        self._numbers: list[int | None] = []
        self._answers: dict[int, Answers] = {}
        self._done: dict[str, list[bytes]] = {}
        self._woken = asyncio.Event()
        self._is_writing = False
        self.is_down = False
        self.down_since = 0.0  # on the loop's clock
        self.outages = 0
        self.round_trips = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be written, or is being written."""
        return not (self._appends or self._answers or self._done or self._is_writing)

    def send(self, stream: str, data: bytes, number: int | None) -> None:
        """Append. A message has a number, under which its loss is told; what has none is written for sure, one day."""
        self._appends.append((stream, data))
        self._numbers.append(number)
        self._woken.set()

    def answer(self, house: int, number: int, data: bytes | None) -> None:
        """Answer a message of another house. Answers for one house share an entry."""
        self._answers.setdefault(house, []).append((number, data))
        self._woken.set()

    def done(self, stream: str, entry: bytes, *, can_wait: bool = False) -> None:
        """Delete an entry, after all answers that were given before; one that can wait costs no round trip."""
        self._done.setdefault(stream, []).append(entry)
        if not can_wait:
            self._woken.set()

    def flush(self) -> None:
        """Write what could wait."""
        if self._done:
            self._woken.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._woken.wait()
            await asyncio.sleep(0)  # more comes in the same turn of the loop; and a lost connection is known to be so
            if self.is_down:
                await self._until_back()
            batch = self._take()
            self._is_writing = True
            try:
                lengths = await self._mail.write(self._entries(batch), batch.done)
            except TimeoutError as error:
                self._failed(batch, error, is_unknown=True)
            except ConnectionError as error:
                self._failed(batch, error, is_unknown=False)
            else:
                self.round_trips += 1
                self._lengths(lengths)
                if batch.done:
                    self._deleted(batch.done)
            finally:
                self._is_writing = False

    def _take(self) -> Batch:
        batch = Batch(self._appends[:MOST], self._numbers[:MOST], self._answers, self._done)
        self._appends, self._numbers = self._appends[MOST:], self._numbers[MOST:]
        self._answers, self._done = {}, {}
        if not self._appends:
            self._woken.clear()
        return batch

    def _entries(self, batch: Batch) -> list[tuple[str, bytes]]:
        if not batch.answers:
            return batch.appends
        return batch.appends + [
            (f"re:{house}", pack_answers(answers[start : start + MOST]))
            for house, answers in batch.answers.items()
            for start in range(0, len(answers), MOST)
        ]

    def _failed(self, batch: Batch, error: Exception, *, is_unknown: bool) -> None:
        """Tell of messages that were lost; put everything else back to the front."""
        log.warning("streams_away", extra={"reason": str(error) or type(error).__name__, "lost": len(batch.numbers)})
        self.is_down, self.down_since = True, asyncio.get_running_loop().time()
        self.outages += 1
        unsent = [number for number in self._numbers if number is not None]
        told = zip([*batch.appends, *self._appends], [*batch.numbers, *self._numbers], strict=True)
        self._appends = [entry for entry, number in told if number is None]
        self._numbers = [None] * len(self._appends)
        for house, answers in batch.answers.items():
            self._answers[house] = answers + self._answers.get(house, [])
        for stream, entries in batch.done.items():
            self._done[stream] = entries + self._done.get(stream, [])
        self._woken.set()
        self._lost([number for number in batch.numbers if number is not None], is_unknown)
        self._lost(unsent, False)  # noqa: FBT003 - not even begun

    async def _until_back(self) -> None:
        while self.is_down:
            await asyncio.sleep(PROBE_SECONDS)
            try:
                await self._clock.measure(self._mail)
            except OSError:
                continue
            self.is_down = False
            log.info("streams_back", extra={"seconds": round(asyncio.get_running_loop().time() - self.down_since, 3)})
