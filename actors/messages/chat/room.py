"""What is said to a room, the actor `chat`."""

from typing import Literal

import msgspec

from actors.messages.chat.shapes import (
    ChatCard,
    ChatKind,
    ChatMessage,
    ClientId,
    Content,
    FileId,
    Member,
    MemberRole,
    Sendable,
    SentMessage,
)
from actors.messages.fields import Id
from actors.runtime.message import Command, Query


class Person(msgspec.Struct, frozen=True):
    """Somebody who is to be in a chat."""

    user_id: str
    username: str


class FoundChat(Command[ChatCard], frozen=True, kw_only=True):
    """The first message of a room. Groups: the first person owns it. Conflict when the two have a direct chat."""

    chat_id: str
    kind: ChatKind
    people: list[Person]
    name: str = ""
    description: str = ""


class Rename(Command[ChatCard], frozen=True, kw_only=True):
    """Change what is named of a group's card."""

    chat_id: str
    name: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET
    notice: str | msgspec.UnsetType = msgspec.UNSET


class DeleteChat(Command[None], frozen=True, kw_only=True):
    """End a group, with everything in it."""

    chat_id: Id


class Admit(Command[Member], frozen=True, kw_only=True):
    """Bring somebody into a group."""

    chat_id: str
    person: Person
    role: Literal["admin", "member"] = "member"


class Regulate(Command[Member], frozen=True, kw_only=True):
    """Change what is named of a member."""

    chat_id: str
    user_id: str
    role: MemberRole | msgspec.UnsetType = msgspec.UNSET
    muted: bool | msgspec.UnsetType = msgspec.UNSET
    silenced: bool | msgspec.UnsetType = msgspec.UNSET


class RemoveMember(Command[None], frozen=True, kw_only=True):
    """Leave, or remove somebody. The owner hands over first; the last one to leave ends the group."""

    chat_id: Id
    user_id: Id


class LoseMember(Command[None], frozen=True, kw_only=True):
    """Somebody's account has ended: an owner's group goes to the eldest administrator, else to the eldest member."""

    chat_id: str
    user_id: str


class IsMember(Query[bool], frozen=True, kw_only=True):
    """Whether somebody is in the chat; False also where there is no such chat."""

    chat_id: str
    user_id: str


class SendMessage(Command[SentMessage], frozen=True, kw_only=True):
    """Send a message. The same ``client_id`` again, from the same sender to the same chat, finds the first one."""

    chat_id: Id
    kind: Sendable = "text"
    content: Content = ""
    file_id: FileId | None = None
    reply_to: Id | None = None
    client_id: ClientId | None = None


class EditMessage(Command[ChatMessage], frozen=True, kw_only=True):
    """Change the words of a message: its sender, or whoever administers the group."""

    chat_id: Id
    message_id: Id
    content: Content


class RecallMessage(Command[None], frozen=True, kw_only=True):
    """Take a message back: its sender, whoever administers the group, or the house. What it said is gone."""

    chat_id: Id
    message_id: Id


class TypeMessage(Command[None], frozen=True, kw_only=True):
    """Tell the others that the caller is writing. Not stored; at most one per second and person is passed on."""

    chat_id: Id
