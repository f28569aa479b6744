"""The rules of messages: what may be sent, whom it mentions, how it is changed and taken back. Pure functions."""

import re
from datetime import datetime

import msgspec
from msgspec.structs import replace

from actors.chat.state import Members, RoomState
from actors.chat.words import words_of
from actors.errors import Conflict, Forbidden, InvalidRequest
from actors.messages.chat import ChatMessage, Member, MessageKind, SendMessage
from actors.runtime.ids import uuid7
from storage import queries
from storage.postgres import Record
from storage.write import Write

Q = queries.load("chat")

_TAKEN = {"chat_message_client_id_key": Conflict("there is a message of this client_id")}
_NOT_HERE = InvalidRequest("no such message in this chat", path="$.reply_to")
_NO_PEACE = Forbidden("one of you has blocked the other")
_NOTHING = ""  # the text form of an empty tsvector
_encode = msgspec.json.Encoder().encode
# An address has a letter, a digit or so before its @, and a name on another house one after it. All of it is ASCII, so
# that names may stand in text that is written without spaces.
_find_mentions = re.compile(r"(?<![A-Za-z0-9_@])@([A-Za-z0-9_.-]{3,50}+)(?!@)").findall
_is_address = re.compile(r"https?://[^\s/][^\s]*").fullmatch


def check_text(text: str, path: str) -> None:
    """Raise `InvalidRequest` for the one character that PostgreSQL does not take."""
    if "\0" in text:
        raise InvalidRequest("holds a NUL character", path=path)


def check_content(kind: MessageKind, content: str, file_id: str | None) -> None:
    """Raise `InvalidRequest` unless there is something to see: words in a text, a file or an address in the others."""
    check_text(content, "$.content")
    if kind == "text":
        if not content or content.isspace():
            raise InvalidRequest("a text holds something to read", path="$.content")
    elif file_id is None and not _is_address(content):
        raise InvalidRequest(f"of kind {kind}: names a file_id, or its content is an http address", path="$.content")


def mentions_of(content: str, members: Members) -> list[str]:
    """Return the ids of the members whom a text names as ``@username``, in order."""
    if "@" not in content:
        return []
    found: dict[str, None] = {}
    for name in _find_mentions(content):
        if (user_id := _member_called(name.lower(), members.ids)) is not None:
            found[user_id] = None
    return list(found)


def _member_called(name: str, ids: dict[str, str]) -> str | None:
    """The longest beginning counts that is a name: what ends a sentence may end a username, too."""
    while name not in ids:
        if name[-1:] not in {".", "-"}:
            return None
        name = name[:-1]
    return ids[name]


def require_voice(member: Member) -> None:
    """Raise `Forbidden` for who was silenced."""
    if member.silenced:
        raise Forbidden("you may read here, and not write")


def compose(room: RoomState, message: SendMessage, sender: Member, now: datetime) -> ChatMessage:
    """Make the room's next message. Raises `Forbidden`, `InvalidRequest`."""
    require_voice(sender)
    check_content(message.kind, message.content, message.file_id)
    return ChatMessage(
        id=uuid7(), chat_id=room.card.id, seq=room.last_seq + 1, sender_id=sender.user_id, kind=message.kind,
        content=message.content, file_id=message.file_id, reply_to=message.reply_to,
        mentions=mentions_of(message.content, room.members), created_at=moment(room, now),
    )  # fmt: skip


def compose_note(room: RoomState, sender_id: str, content: str, now: datetime) -> ChatMessage:
    """Make the room's next message of kind ``system``; ``sender_id`` is whose doing it tells."""
    return ChatMessage(
        id=uuid7(), chat_id=room.card.id, seq=room.last_seq + 1, sender_id=sender_id, kind="system", content=content,
        created_at=moment(room, now),
    )  # fmt: skip


def moment(room: RoomState, now: datetime) -> datetime:
    """Return ``now``, but never one before the last message: clocks differ between houses, and may be set back."""
    return max(now, room.active_at)


def insert(message: ChatMessage, client_id: str | None = None) -> Write:
    """The write that adds a message. What the house says by itself is not searched."""
    words = _NOTHING if message.kind == "system" else words_of(message.content, message.chat_id)
    row = (
        message.id, message.chat_id, message.seq, message.sender_id, message.kind, message.content, message.file_id,
        message.reply_to, _json(message.mentions), client_id, message.created_at, words,
    )  # fmt: skip
    return Write(Q.insert_message, row, constraints=None if client_id is None else _TAKEN)


def checks(room: RoomState, sender_id: str, reply_to: str | None) -> list[Write]:
    """What only the rows know: the message that is answered is there, and in a direct chat neither blocks the other."""
    writes = peace(room, sender_id)
    if reply_to is not None:
        writes.append(Write(Q.find_message, (reply_to, room.card.id), expect=1, otherwise=_NOT_HERE))
    return writes


def peace(room: RoomState, sender_id: str) -> list[Write]:
    """Refuse the turn where one of the two of a direct chat has blocked the other. Groups know no blocks."""
    if room.card.kind == "group":
        return []
    others = [user_id for user_id in room.members if user_id != sender_id]
    return [Write(Q.find_peace, (sender_id, other), expect=1, otherwise=_NO_PEACE) for other in others]


def edited(room: RoomState, message: ChatMessage, content: str, now: datetime) -> ChatMessage:
    """Return the message with other words. Raises `Conflict` where there are none to change; `InvalidRequest`."""
    if message.kind == "system" or message.recalled_at is not None:
        raise Conflict("there are no words to change")
    if message.kind != "text" and message.file_id is None:
        raise Conflict("only texts and captions change")
    check_content(message.kind, content, message.file_id)
    return replace(message, content=content, mentions=mentions_of(content, room.members), edited_at=moment(room, now))


def newly_named(was: ChatMessage, now: ChatMessage) -> tuple[str, ...]:
    """Whom an edit mentions who was not mentioned before."""
    return tuple(user_id for user_id in now.mentions if user_id not in was.mentions)


def recalled(room: RoomState, message: ChatMessage, now: datetime) -> ChatMessage:
    """Return the message with nothing in it. Raises `Conflict` for what the house has said."""
    if message.kind == "system":
        raise Conflict("what the house says stays")
    return replace(message, content="", file_id=None, mentions=[], recalled_at=moment(room, now))


def update(message: ChatMessage) -> Write:
    """The write that makes the row equal to an edited or recalled message."""
    words = _NOTHING if message.recalled_at else words_of(message.content, message.chat_id)
    row = (
        message.id, message.content, message.file_id, _json(message.mentions), message.edited_at,
        message.recalled_at, words,
    )  # fmt: skip
    return Write(Q.update_message, row)


def require_reach(message: ChatMessage, member: Member) -> None:
    """Raise `Forbidden` unless it is the member's own message, or they administer the group."""
    if member.user_id != message.sender_id and member.role == "member":
        raise Forbidden("this is not your message")


def load_message(row: Record) -> ChatMessage:
    """Make a message from its row."""
    return ChatMessage(**{**dict(row), "mentions": msgspec.json.decode(row["mentions"], type=list[str])})


def _json(ids: list[str]) -> str:
    return _encode(ids).decode() if ids else "[]"
