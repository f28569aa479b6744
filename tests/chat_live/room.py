"""A chat with its people, and what each of their clients must have seen of it."""

import asyncio

from tests.chat_live.crowd import Seat
from tests.chat_live.desk import Chat, ChatDesk
from tests.chat_live.witness import Said, Witness
from tests.running import Person


class Room:
    """One chat, those in it, what was acknowledged there, and what each client has seen of it."""

    def __init__(self, chat: Chat, people: list[Person]) -> None:
        self.people = people
        self.witnesses = [Witness(chat.reading(person)) for person in people]
        self.chat = chat
        self.sent: list[Said] = []

    def seats(self, url: str, first: str = "") -> list[Seat]:
        """One for each of the people; the first of them may have another line."""
        urls = [first or url] + [url] * (len(self.people) - 1)
        parts = zip(urls, self.people, self.witnesses, strict=True)
        return [Seat(line, person.token, self.chat.channel, witness) for line, person, witness in parts]

    async def send(self, sender: Person, content: str, client_id: str | None = None) -> None:
        """Let somebody send a message, and take note of it."""
        self.sent.append(await self.chat.send(sender, content, client_id))

    @property
    def is_seated(self) -> bool:
        """Whether everybody is subscribed."""
        return all(witness.offset is not None for witness in self.witnesses)

    @property
    def is_quiet(self) -> bool:
        """Whether everybody has as many messages as were sent, and reads no more."""
        return all(witness.is_settled and len(witness.messages) >= len(self.sent) for witness in self.witnesses)

    def judge(self) -> int:
        """Insist that all have the same, which is what was acknowledged. How much that was."""
        sent = sorted(self.sent)
        assert [said.seq for said in sent] == list(range(1, len(sent) + 1)), "what was acknowledged has gaps"
        for witness in self.witnesses:
            assert witness.faults == [], witness.faults[:5]
            assert witness.messages == [said.id for said in sent], f"{len(witness.messages)} of {len(sent)} messages"
        return len(sent)


async def furnish(desk: ChatDesk, rooms: int, per_room: int) -> list[Room]:
    """Everybody, each in one chat."""
    people = await desk.people(rooms * per_room)
    groups = [people[first : first + per_room] for first in range(0, len(people), per_room)]
    chats = await asyncio.gather(*(desk.group(*group) for group in groups))
    return [Room(chat, group) for chat, group in zip(chats, groups, strict=True)]
