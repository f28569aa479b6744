"""What one client must have seen of a chat: every message once and in order, or a plain word that it has to reload."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple


class Said(NamedTuple):
    """A message, by its place in the chat."""

    seq: int
    id: str


Read = Callable[[int], Awaitable[Sequence[Said]]]
"""Reads over HTTP what follows a seq: a page, or nothing when there is no more."""


class Witness:
    """Takes what a client is told, exactly as its application would; ``faults`` is what must never happen.

    Offsets go up one by one, but where the client was told ``recovered: false``: there it reads over HTTP on from the
    last message it has, while what is published meanwhile waits.
    """

    def __init__(self, read: Read) -> None:
        self.messages: list[str] = []
        self.faults: list[str] = []
        self.recoveries = 0
        self.reloads = 0
        self.offset: int | None = None
        self._read = read
        self._reload: asyncio.Task[None] | None = None
        self._read_to = 0  # seq of the last message that was read over HTTP
        self._waiting: list[Said] = []  # published while it reads

    @property
    def is_settled(self) -> bool:
        """Whether it waits for no page."""
        return self._reload is None or self._reload.done()

    def subscribed(self, offset: int, *, was_recovering: bool, recovered: bool) -> None:
        """The client is subscribed (again)."""
        if was_recovering and recovered:
            self.recoveries += 1
        elif was_recovering:
            self.reloads += 1
            self.offset = offset
            if self.is_settled:
                self._reload = asyncio.get_running_loop().create_task(self._read_on())
        elif self.offset is None:
            self.offset = offset
        else:
            self.faults.append("came back without asking for what it missed")

    def published(self, offset: int, data: dict[str, Any]) -> None:
        """The client was given a publication."""
        if self.offset is None or offset != self.offset + 1:
            self.faults.append(f"offset {offset} after {self.offset}")
        self.offset = offset
        if data["type"] == "message.created":
            said = Said(data["message"]["seq"], data["message"]["id"])
            if self.is_settled:
                self._take(said)
            else:
                self._waiting.append(said)

    async def _read_on(self) -> None:
        while page := await self._read(len(self.messages)):
            for said in page:
                self._take(said)
            self._read_to = page[-1].seq
        waiting, self._waiting = self._waiting, []
        for said in waiting:
            self._take(said)

    def _take(self, said: Said) -> None:
        """What was read over HTTP may be published to it yet: a client knows it by its seq."""
        if said.seq <= self._read_to and self.messages[said.seq - 1] == said.id:
            return
        if said.seq != len(self.messages) + 1:
            self.faults.append(f"message {said.seq} after {len(self.messages)}")
        self.messages.append(said.id)
