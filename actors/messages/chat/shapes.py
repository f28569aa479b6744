"""Chats, members and messages as they look, and what their fields hold."""

from typing import Annotated, Literal

import msgspec

from actors.messages.user import Text, Username
from actors.runtime.message import Aware

ChatKind = Literal["direct", "group"]
MemberRole = Literal["owner", "admin", "member"]
Sendable = Literal["text", "image", "file", "audio", "video"]
MessageKind = Literal["text", "image", "file", "audio", "video", "system"]

MOST_CHARACTERS = 4_000
ChatName = Annotated[Text, msgspec.Meta(min_length=1, max_length=100)]
Description = Annotated[str, msgspec.Meta(max_length=1_000)]
Notice = Annotated[str, msgspec.Meta(max_length=2_000)]
Content = Annotated[str, msgspec.Meta(max_length=MOST_CHARACTERS)]
"""Text; of any other kind: a caption, or the address (http, https) where there is no ``file_id``."""
FileId = Annotated[Text, msgspec.Meta(min_length=1, max_length=200)]
ClientId = Annotated[Text, msgspec.Meta(min_length=1, max_length=100)]
Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
PersonName = Username
"""A person: by id (which has the form of a username), or by username where there is no such id."""


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message. ``seq`` counts the messages of its chat, system messages included, without gaps.

    Once recalled, ``content`` is empty and ``file_id`` None; once edited, both times may be there.
    ``created_at`` never goes back inside a chat, whatever the clocks of houses say.
    """

    id: str
    chat_id: str
    seq: int
    sender_id: str
    kind: MessageKind
    content: str
    file_id: str | None = None
    reply_to: str | None = None
    mentions: list[str] = []
    created_at: Aware
    edited_at: Aware | None = None
    recalled_at: Aware | None = None


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in a chat, as the room's actor knows them.

    ``muted`` is their own wish to hear of mentions only; ``silenced`` is an administrator's: they may not write.
    """

    user_id: str
    username: str
    role: MemberRole
    muted: bool = False
    silenced: bool = False
    joined_at: Aware


class SeenMember(msgspec.Struct, frozen=True, kw_only=True):
    """A member as the others see them. ``last_seen_at`` is None for who has never been here, or is online."""

    user_id: str
    username: str
    role: MemberRole
    muted: bool
    silenced: bool
    joined_at: Aware
    read_seq: int
    online: bool
    last_seen_at: Aware | None


class ChatCard(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same for everybody who sees a chat. A direct chat has no name and no owner of its own."""

    id: str
    kind: ChatKind
    name: str = ""
    description: str = ""
    notice: str = ""
    owner_id: str | None = None
    members_count: int
    created_at: Aware


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """A chat as the caller sees it; a direct one has the other person's name, and their id in ``peer_id``.

    ``unread_count`` counts what others have written behind ``read_seq``, exactly up to 1,000. Beyond that, and where
    more than 10,000 messages lie there, it is the distance to the newest message.
    """

    id: str
    kind: ChatKind
    name: str
    description: str
    notice: str
    owner_id: str | None
    peer_id: str | None = None
    members_count: int
    role: MemberRole
    muted: bool
    last_message: ChatMessage | None
    unread_count: int
    read_seq: int
    created_at: Aware


class SeenChat(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `CreateChat`: ``made`` is False for a direct chat that was there already."""

    chat: Chat
    made: bool = True


class SentMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `SendMessage`: ``made`` is False for a resend that found the first message."""

    message: ChatMessage
    made: bool = True
