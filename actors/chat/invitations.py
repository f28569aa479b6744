"""Who has come into a chat, and hears of it from the one who brought them in."""

from collections.abc import Sequence
from typing import Any

import msgspec

from actors.chat.talk import source_of
from actors.messages.chat import ChatCard, ChatCreated, ChatInvited, MemberJoined
from actors.messages.notification import Notice
from storage.chat_arrival import ChatArrivalStore
from storage.events import EventRow

Told = tuple[str, Notice]
"""Whom it concerns, and the notice."""

_decode_created = msgspec.json.Decoder(ChatCreated).decode
_decode_joined = msgspec.json.Decoder(MemberJoined).decode


async def invitations(events: Sequence[EventRow], store: ChatArrivalStore) -> list[Told]:
    """Everybody in a new chat, and everybody who joins one later; but for those whose own doing it was."""
    created = [told for event in events if event.type == "chat.created" for told in _created(event)]
    return created + await _joined([event for event in events if event.type == "member.joined"], store)


def _created(event: EventRow) -> list[Told]:
    made = _decode_created(event.body)
    names = {member.user_id: member.username for member in made.members}
    notice = _invite(event, made.chat, names.pop(event.caller or "", None))
    return [(user_id, notice) for user_id in names]


async def _joined(events: Sequence[EventRow], store: ChatArrivalStore) -> list[Told]:
    joined = [(event, _decode_joined(event.body)) for event in events]
    joined = [(event, one) for event, one in joined if one.member.user_id != event.caller]
    if not joined:
        return []
    cards = await store.list_joined([(one.chat_id, one.member.user_id) for _, one in joined])
    names = await store.list_names({event.caller for event, _ in joined if event.caller})
    return [
        (one.member.user_id, _invite(event, _card(cards[number]), names.get(event.caller or "")))
        for number, (event, one) in enumerate(joined)
        if number in cards
    ]


def _invite(event: EventRow, chat: ChatCard, by: str | None) -> Notice:
    """An entry for a group; a direct chat begins with its first message."""
    source, change = source_of(event), ChatInvited(at=event.at, chat=chat)
    if chat.kind == "direct":
        return Notice(source=source, change=change)
    title = f"{by} added you to {chat.name}" if by else f"You are in {chat.name} now"
    return Notice(source=source, type="chat", title=title, data={"chat_id": chat.id}, change=change)


def _card(row: Any) -> ChatCard:
    return ChatCard(**{name: row[name] for name in ChatCard.__struct_fields__})
