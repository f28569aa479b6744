"""Commands of one connection that are under way at the same time, and their answers, in the order of the commands."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from handlers.realtime.connection import Connection

MOST = 16
"""Commands under way at a time; more would gain nothing, and a client that sends and never reads would fill memory."""

Line = Callable[["asyncio.Future[Any]"], bytes]
"""What was begun, once it is done -> its answer."""
Actor = tuple[str, str]
"""Kind and key of who takes one thing after the other."""


class _Answer:
    """A place in the order of answers."""

    __slots__ = ("line",)

    def __init__(self, line: bytes | None = None) -> None:
        self.line = line


class Underway:
    """What goes to one actor overlaps: its mailbox keeps the order. Anything else waits until all before it is done.

    Answers that their client does not take wait here, not in the outbox.
    """

    __slots__ = ("_actor", "_answers", "_catching_up", "_connection", "_moved")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._actor: Actor | None = None
        self._answers: list[_Answer] = []
        self._moved: asyncio.Future[None] | None = None
        self._catching_up: asyncio.Task[None] | None = None

    def takes(self, actor: Actor | None) -> bool:
        """Whether something for this actor may be begun now; None: it must have the connection to itself."""
        under_way = len(self._answers)
        return not under_way or (under_way < MOST and actor is not None and actor == self._actor)

    async def room(self, actor: Actor | None) -> None:
        """Wait until something for this actor may be begun. One at a time may wait."""
        while not self.takes(actor):
            self._moved = asyncio.get_running_loop().create_future()
            await self._moved

    def add(self, actor: Actor | None, work: "asyncio.Future[Any]", line: Line) -> None:
        """Take in what has been begun, and what makes its answer, which must not raise."""
        answer = _Answer()
        self._actor = actor
        self._answers.append(answer)
        work.add_done_callback(partial(self._done, answer, line))

    def answer(self, line: bytes) -> None:
        """Answer at once, behind what is under way."""
        self._answers.append(_Answer(line))
        self._send()

    def _done(self, answer: _Answer, line: Line, work: "asyncio.Future[Any]") -> None:
        answer.line = line(work)
        self._send()

    def _send(self) -> None:
        """Send the answers whose turn has come."""
        answers, connection = self._answers, self._connection
        while answers and (line := answers[0].line) is not None:
            if connection.is_behind and not connection.is_closed:
                if self._catching_up is None:
                    self._catching_up = asyncio.get_running_loop().create_task(self._catch_up())
                return
            del answers[0]
            connection.send(line)
        if self._moved is not None and not self._moved.done():
            self._moved.set_result(None)

    async def _catch_up(self) -> None:
        await self._connection.settled()
        self._catching_up = None
        self._send()
