"""Follows and blocks. Shared rows: changed only by `change_ties`, one wish after the other, and never cached."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from actors.errors import Conflict, DomainError, InvalidRequest, NotFound
from actors.messages.profile import Wish
from actors.runtime.actor import Settled, Together, Turn
from actors.runtime.ports import Stored
from storage import queries

Q = queries.load("profile")


def change(batch: Sequence[tuple[Wish, Turn]]) -> Together[None]:
    """Grant the wishes of a batch in their order. A refused one changes nothing and stops no other."""
    args = (
        [message.verb for message, _ in batch],
        [turn.caller.user_id for _, turn in batch],
        [message.username for message, _ in batch],
        [turn.id for _, turn in batch],
        [turn.now for _, turn in batch],
    )

    def settle(rows: list[Any]) -> Settled[None]:
        answers = [list(found) for _, found in groupby(rows, key=lambda row: row["ord"])]
        replies = [_refusal(found[0]["refusal"]) for found in answers]
        events = [
            Stored(f"ties:{row['owner']}", row["n"], row["type"], row["body"].encode(), turn.now)
            for found, (_, turn) in zip(answers, batch, strict=True)
            for row in found
            if row["n"] is not None
        ]
        return Settled(replies=replies, events=events)

    return Together(statement=Q.change_ties, args=args, settle=settle)


def _refusal(why: str | None) -> DomainError | None:
    match why:
        case None:
            return None
        case "self":
            return InvalidRequest("that is yourself", "$.username")
        case "blocking":
            return Conflict("you have blocked this person")
        case _:
            return NotFound("no such person")
