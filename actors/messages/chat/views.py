"""What is said to the service `chats`: views, and what needs more than one room."""

from typing import Annotated, Literal

import msgspec

from actors.messages.chat.shapes import (
    Chat,
    ChatKind,
    ChatMessage,
    ChatName,
    Description,
    MemberRole,
    Notice,
    PersonName,
    SeenChat,
    SeenMember,
    Seq,
)
from actors.messages.fields import Id, Limit, Page
from actors.runtime.message import Command, Query


class CreateChat(Command[SeenChat], frozen=True, kw_only=True):
    """A direct chat with one person, which exists once, or a group that the caller owns."""

    kind: ChatKind
    member: PersonName | None = None
    name: ChatName | None = None
    members: Annotated[tuple[PersonName, ...], msgspec.Meta(max_length=1_000)] = ()
    description: Description = ""


class ListChats(Query[Page[Chat]], frozen=True, kw_only=True):
    """The caller's chats, by last activity."""

    limit: Limit = 20
    cursor: str | None = None


class GetChat(Query[Chat], frozen=True, kw_only=True):
    """One of the caller's chats."""

    chat_id: Id


class ChangeChat(Command[Chat], frozen=True, kw_only=True):
    """Change what is named of a group."""

    chat_id: Id
    name: ChatName | msgspec.UnsetType = msgspec.UNSET
    description: Description | msgspec.UnsetType = msgspec.UNSET
    notice: Notice | msgspec.UnsetType = msgspec.UNSET


class ListMembers(Query[Page[SeenMember]], frozen=True, kw_only=True):
    """The members of one of the caller's chats, those who came first first."""

    chat_id: Id
    limit: Limit = 20
    cursor: str | None = None


class GetMember(Query[SeenMember], frozen=True, kw_only=True):
    """A member of one of the caller's chats."""

    chat_id: Id
    user_id: Id


class AddMember(Command[SeenMember], frozen=True, kw_only=True):
    """Bring somebody into a group; who is in it already stays as they are."""

    chat_id: Id
    user_id: PersonName
    role: Literal["admin", "member"] = "member"


class ChangeMember(Command[SeenMember], frozen=True, kw_only=True):
    """Give a member another role (``owner`` hands the group over), mute the chat for oneself, silence a member."""

    chat_id: Id
    user_id: Id
    role: MemberRole | msgspec.UnsetType = msgspec.UNSET
    muted: bool | msgspec.UnsetType = msgspec.UNSET
    silenced: bool | msgspec.UnsetType = msgspec.UNSET


class ListMessages(Query[Page[ChatMessage]], frozen=True, kw_only=True):
    """A page of messages, oldest first inside it: the newest, those before or after a ``seq``, or those that fit ``q``.

    With ``after`` and without ``before`` the page begins right behind ``after``; else it ends right before ``before``.
    ``next_cursor`` leads on in the same direction.
    """

    chat_id: Id
    before: Seq | None = None
    after: Seq | None = None
    q: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    limit: Limit = 20
    cursor: str | None = None


class SearchMessages(Query[Page[ChatMessage]], frozen=True, kw_only=True):
    """Messages of all the caller's chats that fit ``q``, newest first."""

    q: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    limit: Limit = 20
    cursor: str | None = None


class GetMessage(Query[ChatMessage], frozen=True, kw_only=True):
    """One message of one of the caller's chats."""

    message_id: Id


class ReadChat(Command[None], frozen=True, kw_only=True):
    """Move the caller's read mark forward, at most to the newest message; back it never goes."""

    chat_id: Id
    seq: Seq
