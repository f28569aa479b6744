"""What has happened in a chat. A body is its publication on the channel ``chat:<id>``, too."""

from actors.messages.chat.shapes import ChatCard, ChatMessage, Member
from actors.runtime.message import Event


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
    """A message has other words; ``named`` are those whom it mentions now and did not before."""

    message: ChatMessage
    named: tuple[str, ...] = ()


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
