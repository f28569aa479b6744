"""What is said to, in and about chats: rooms, their members, their messages."""

from typing import Annotated, Literal

import msgspec

from actors.messages.fields import Id, Limit, Page
from actors.messages.user import Text, Username
from actors.runtime.message import Aware, Command, Event, Query

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

    ``unread_count`` counts what others have written behind ``read_seq``, exactly up to 1,000; beyond that it is the
    distance to the newest message.
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


# What the service `chats` answers: views, and what needs more than one room.


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


# What the room's actor `chat` takes.


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


class ChatCreated(Event, frozen=True, kw_only=True, tag="chat.created"):
    """A chat has begun."""

    chat: ChatCard
    members: list[Member]


class ChatChanged(Event, frozen=True, kw_only=True, tag="chat.changed"):
    """The chat is now like this."""

    chat: ChatCard


class ChatDeleted(Event, frozen=True, kw_only=True, tag="chat.deleted"):
    """The chat is no more."""

    chat_id: str


class MemberJoined(Event, frozen=True, kw_only=True, tag="member.joined"):
    """Somebody has come; ``members_count`` counts them in."""

    chat_id: str
    member: Member
    members_count: int


class MemberChanged(Event, frozen=True, kw_only=True, tag="member.changed"):
    """A member is now like this."""

    chat_id: str
    member: Member


class MemberLeft(Event, frozen=True, kw_only=True, tag="member.left"):
    """Somebody is gone: by themselves, or removed by ``removed_by``."""

    chat_id: str
    user_id: str
    removed_by: str | None = None
    members_count: int


class MessageCreated(Event, frozen=True, kw_only=True, tag="message.created"):
    """A message was sent."""

    message: ChatMessage


class MessageEdited(Event, frozen=True, kw_only=True, tag="message.edited"):
    """A message has other words."""

    message: ChatMessage


class MessageRecalled(Event, frozen=True, kw_only=True, tag="message.recalled"):
    """A message was taken back."""

    message: ChatMessage
    by: str | None = None


class ChatRead(Event, frozen=True, kw_only=True, tag="chat.read"):
    """A member has read up to here. Told live only: it has no place in the stream."""

    user_id: str
    seq: int


class ChatTyping(Event, frozen=True, kw_only=True, tag="chat.typing"):
    """A member is writing. Told live only: it has no place in the stream."""

    user_id: str


class ChatInvited(Event, frozen=True, kw_only=True, tag="chat.invited"):
    """On a person's own channel: they are in this chat now."""

    chat: ChatCard


class MessageArrived(Event, frozen=True, kw_only=True, tag="message.arrived"):
    """On a person's own channel: there is something new in a chat of theirs."""

    chat_id: str
    seq: int
