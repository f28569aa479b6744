"""How a room begins: its first event and its rows."""

from datetime import datetime

from actors.chat.messages import check_text
from actors.errors import Conflict, InvalidRequest, NotFound
from actors.messages.chat import ChatCard, ChatCreated, FoundChat, Member, Person
from storage import queries
from storage.write import Write

Q = queries.load("chat")

_TAKEN = {"chat_pair_key": Conflict("the two have a direct chat")}
_NO_ACCOUNT = NotFound("no such person")


def begin(message: FoundChat, now: datetime, most: int) -> tuple[ChatCreated, list[Write]]:
    """Return the chat's first event and its rows. Raises `InvalidRequest`.

    The turn is refused when one of the people has no account (`NotFound`), and when the two have a direct chat
    (`Conflict`).
    """
    _check(message, most)
    is_group = message.kind == "group"
    card = ChatCard(
        id=message.chat_id, kind=message.kind, name=message.name, description=message.description,
        owner_id=message.people[0].user_id if is_group else None, members_count=len(message.people), created_at=now,
    )  # fmt: skip
    members = [
        Member(
            user_id=person.user_id, username=person.username, joined_at=now,
            role="owner" if person.user_id == card.owner_id else "member",
        )
        for person in message.people
    ]  # fmt: skip
    pair = None if is_group else ":".join(sorted(person.user_id for person in message.people))
    row = (card.id, card.kind, pair, card.name, card.description, card.owner_id, now)
    writes = [
        *(hold(person) for person in message.people),
        Write(Q.insert_chat, row, constraints=_TAKEN),
        *(insert_member(card.id, member, 0) for member in members),
    ]
    return ChatCreated(at=now, chat=card, members=members), writes


def hold(person: Person) -> Write:
    """Refuse the turn (`NotFound`) when there is no such account; it cannot end meanwhile."""
    return Write(Q.hold_person, (person.user_id,), expect=1, otherwise=_NO_ACCOUNT)


def insert_member(chat_id: str, member: Member, read_seq: int) -> Write:
    """The rows of a new member, for whom all is read up to ``read_seq``."""
    row = (chat_id, member.user_id, member.username, member.role, member.joined_at, read_seq)
    return Write(Q.insert_member, row)


def check_name(name: str) -> None:
    """Raise `InvalidRequest` unless a group can be called so."""
    check_text(name, "$.name")
    if not name.strip():
        raise InvalidRequest("a group has a name", path="$.name")


def _check(message: FoundChat, most: int) -> None:
    people = [person.user_id for person in message.people]
    if len(set(people)) != len(people):
        raise InvalidRequest("names somebody twice", path="$.members")
    if message.kind == "group":
        check_name(message.name)
        if not 1 <= len(people) <= most:
            raise InvalidRequest(f"a group has at most {most} members", path="$.members")
    elif len(people) != 2:
        raise InvalidRequest("a direct chat is of two people", path="$.member")
    check_text(message.description, "$.description")
