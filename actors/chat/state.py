"""What a room is made of, and how its events make it."""

from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from actors.errors import NotFound
from actors.messages.chat import (
    ChatCard,
    ChatChanged,
    ChatCreated,
    ChatDeleted,
    Member,
    MemberChanged,
    MemberJoined,
    MemberLeft,
    MessageCreated,
)
from actors.runtime.message import Event
from storage import queries
from storage.postgres import Record
from storage.write import Write

Q = queries.load("chat")
_decode_members = msgspec.json.Decoder(list[Member]).decode


class Members(dict[str, Member]):
    """Members by id. Never changed once it is made: rooms that differ only in their messages share it."""

    @cached_property
    def ids(self) -> dict[str, str]:
        """Ids by username in lower case."""
        return {member.username.lower(): user_id for user_id, member in self.items()}


class RoomState(NamedTuple):
    """The chat's row and its members."""

    card: ChatCard
    members: Members
    last_seq: int  # of the newest message; 0: none yet
    active_at: datetime  # when that was made, or the chat


def there(state: RoomState | None) -> RoomState:
    """Return the room. Raises `NotFound` when there is none (any more)."""
    if state is None:
        raise NotFound("no such chat")
    return state


def load_state(chat_id: str, row: Record) -> RoomState:
    """Make the state from the row."""
    card = ChatCard(
        id=chat_id, kind=row["kind"], name=row["name"], description=row["description"], notice=row["notice"],
        owner_id=row["owner_id"], members_count=row["members_count"], created_at=row["created_at"],
    )  # fmt: skip
    return RoomState(card, _by_id(_decode_members(row["members"])), row["last_seq"], row["active_at"])


def save_state(state: RoomState, n: int) -> Write:
    """The write that makes the row equal to the state at event ``n``.

    Name, description and notice are long and change rarely: their turn writes them by itself (`update_card`).
    """
    card = state.card
    return Write(Q.save_chat, (card.id, n, card.owner_id, card.members_count, state.last_seq, state.active_at))


def fold(state: RoomState | None, event: Event) -> RoomState | None:
    """Fold one event into the state. Pure. Events that say nothing of the row leave it as it is."""
    if state is None:
        if isinstance(event, ChatCreated):
            return RoomState(event.chat, _by_id(event.members), 0, event.chat.created_at)
        raise ValueError(f"{type(event).__name__} comes before the chat")
    if isinstance(event, MessageCreated):  # first: all others are rare
        return RoomState(state.card, state.members, event.message.seq, event.message.created_at)
    match event:
        case MemberJoined() | MemberLeft():
            card = replace(state.card, members_count=event.members_count)
            return state._replace(card=card, members=_without_or_with(state.members, event))
        case MemberChanged(member=member):
            return state._replace(members=Members({**state.members, member.user_id: member}))
        case ChatChanged():
            return state._replace(card=event.chat)
        case ChatDeleted():
            return None
    return state


def _without_or_with(members: Members, event: MemberJoined | MemberLeft) -> Members:
    if isinstance(event, MemberJoined):
        return Members({**members, event.member.user_id: event.member})
    return Members({user_id: member for user_id, member in members.items() if user_id != event.user_id})


def _by_id(members: list[Member]) -> Members:
    return Members({member.user_id: member for member in members})
