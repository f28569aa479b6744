"""What was said in chats, as far as one delivery of the relay tells, and how it sounds to those who were not there."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from actors.messages.chat import MessageArrived
from actors.messages.notification import Notice
from actors.runtime.ports import Stored
from storage.events import EventRow

MOST_CHARACTERS = 200
"""Of a message's text that an entry of an inbox shows."""
_LIVE_ONLY = 0


class Words(msgspec.Struct, gc=False):
    """The part of a message that others hear of."""

    id: str
    chat_id: str
    seq: int
    sender_id: str
    kind: str
    content: str
    mentions: list[str] = []


class _Created(msgspec.Struct, gc=False):
    message: Words


class _Edited(msgspec.Struct, gc=False):
    message: Words
    named: list[str] = []


class Said(NamedTuple):
    """A message, and the event that told of it."""

    words: Words
    source: str
    at: datetime


class Place(NamedTuple):
    """Where something was said; a direct chat has no name."""

    kind: str
    name: str

    def inside(self, title: str) -> str:
        """Add the name of the group to a title."""
        return title if self.kind == "direct" else f"{title} in {self.name}"


_decode = msgspec.json.Decoder(_Created).decode
_decode_edited = msgspec.json.Decoder(_Edited).decode
_encode = msgspec.json.Encoder().encode


class Talk:
    """The messages of one chat, in their order."""

    def __init__(self, chat_id: str) -> None:
        self.chat_id = chat_id
        self.said: list[Said] = []

    @property
    def newest(self) -> int:
        """The seq of the last message."""
        return self.said[-1].words.seq

    def follows(self, seq: int) -> bool:
        """Whether these are the messages after ``seq``, and none between them or before is missing."""
        return self.newest - seq == len(self.said) and self.said[0].words.seq == seq + 1

    @property
    def mentions(self) -> Iterable[tuple[Said, str]]:
        """Every message with everybody whom it names, but for its sender."""
        return ((said, one) for said in self.said for one in said.words.mentions if one != said.words.sender_id)

    def first_for(self, user_id: str, read_seq: int) -> Said | None:
        """The first message that somebody else has sent, and the person has not read."""
        return next((s for s in self.said if s.words.seq > read_seq and s.words.sender_id != user_id), None)

    def arrived(self, at: datetime) -> MessageArrived:
        """What a person's channel says of it."""
        return MessageArrived(at=at, chat_id=self.chat_id, seq=self.newest)

    def hints(self, people: Iterable[str]) -> list[Stored]:
        """Tell people who have something to read already, live and once; but for who has said all of it alone."""
        last = self.said[-1]
        senders = {said.words.sender_id for said in self.said}
        alone = senders.pop() if len(senders) == 1 else None
        body = _encode(self.arrived(last.at))
        return [
            Stored(f"user:{user_id}", _LIVE_ONLY, "message.arrived", body, last.at)
            for user_id in people
            if user_id != alone
        ]


def read_talks(events: Iterable[EventRow]) -> dict[str, Talk]:
    """Sort events ``message.created`` by chat. What the house says by itself is nothing that anybody waits for."""
    talks: dict[str, Talk] = {}
    for event in events:
        words = _decode(event.body).message
        if words.kind != "system":
            talk = talks.setdefault(words.chat_id, Talk(words.chat_id))
            talk.said.append(Said(words, source_of(event), event.at))
    return talks


def read_named(events: Iterable[EventRow]) -> list[tuple[Said, str]]:
    """The messages of events ``message.edited`` with everybody whom the edit names anew. It is the editor who calls."""
    return [
        (Said(msgspec.structs.replace(edited.message, sender_id=editor), source_of(event), event.at), one)
        for event in events
        for edited in [_decode_edited(event.body)]
        for editor in [event.caller or edited.message.sender_id]
        for one in edited.named
        if one != editor
    ]


def source_of(event: EventRow) -> str:
    """What an inbox takes once."""
    return f"{event.stream}:{event.n}"


def entry(said: Said, place: Place, sender: str) -> Notice:
    """The entry for somebody who has nothing else to read in this chat."""
    return Notice(
        source=said.source, type="message", title=place.inside(sender), body=preview(said.words), data=_data(said)
    )


def mention(said: Said, place: Place, sender: str) -> Notice:
    """The entry for somebody who is named."""
    return Notice(
        source=said.source, type="mention", title=place.inside(f"{sender} mentioned you"), body=preview(said.words),
        data=_data(said), priority="high",
    )  # fmt: skip


def preview(words: Words) -> str:
    """How a message begins; of anything but a text, what it is."""
    return words.content[:MOST_CHARACTERS] if words.kind == "text" else words.kind.capitalize()


def _data(said: Said) -> dict[str, str | int]:
    return {"chat_id": said.words.chat_id, "seq": said.words.seq, "message_id": said.words.id}
