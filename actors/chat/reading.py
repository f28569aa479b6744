"""Read marks. Shared rows: moved only by `mark_read`, only forward, and never cached."""

from collections.abc import Sequence
from typing import Any

import msgspec

from actors.errors import NotFound
from actors.messages.chat import ChatRead, ReadChat
from actors.runtime.actor import Settled, Together, Turn
from actors.runtime.ports import Stored
from storage import queries

Q = queries.load("chat_view")
_encode = msgspec.json.Encoder().encode


def mark(batch: Sequence[tuple[ReadChat, Turn]]) -> Together[None]:
    """Move the marks of a batch. A mark that has moved is told of live, once however many wishes moved it."""
    args = (
        [message.chat_id for message, _ in batch],
        [turn.caller.user_id for _, turn in batch],
        [message.seq for message, _ in batch],
    )

    def settle(rows: list[Any]) -> Settled[None]:
        replies = [None if row["is_member"] else NotFound("no such chat") for row in rows]
        moved = [
            _told(message, turn, row["seq"])
            for row, (message, turn) in zip(rows, batch, strict=True)
            if row["seq"] is not None
        ]
        return Settled(replies=replies, events=moved, stored=())  # a mark is no event

    return Together(statement=Q.mark_read, args=args, settle=settle)


def _told(message: ReadChat, turn: Turn, seq: int) -> Stored:
    event = ChatRead(at=turn.now, user_id=turn.caller.user_id or "", seq=seq)
    return Stored(f"chat:{message.chat_id}", 0, "chat.read", _encode(event), turn.now)
