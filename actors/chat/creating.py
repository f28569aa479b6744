"""How a chat begins: who is meant, and that two people have one direct chat, whoever asks how often at once."""

from collections.abc import Callable, Sequence

from actors.errors import Conflict, InvalidRequest, NotFound
from actors.messages.chat import CreateChat, FoundChat, Person
from actors.runtime.actor import Ref, Turn
from actors.runtime.ids import uuid7
from storage.chat_view import ChatViews
from storage.postgres import Record

Refs = Callable[[str, str], Ref]


async def found(wish: CreateChat, turn: Turn, views: ChatViews, ref: Refs) -> tuple[str, bool]:
    """Return the id of the chat, and whether it is new.

    Raises:
        InvalidRequest: what a chat of this kind needs is missing, or it has what it cannot have.
        NotFound: there is no such person, as far as the caller may know.
        Conflict: the caller has blocked the other person of a new direct chat.
    """
    _check(wish)
    if wish.kind == "direct":
        return await _found_direct(wish, turn, views, ref)
    people = await find_people(views, turn, [turn.caller.user_id or "", *wish.members])
    distinct = {person.user_id: person for person in people}
    return await _ask(wish, list(distinct.values()), turn, ref), True


async def find_people(views: ChatViews, turn: Turn, names: Sequence[str]) -> list[Person]:
    """Return the people of these names or ids. Raises `NotFound` with the first one that is nobody, to the caller."""
    return [Person(row["id"], row["username"]) for row in await _rows(views, turn, names)]


async def _found_direct(wish: CreateChat, turn: Turn, views: ChatViews, ref: Refs) -> tuple[str, bool]:
    me, other = await _rows(views, turn, [turn.caller.user_id or "", wish.member or ""])
    if me["id"] == other["id"]:
        raise InvalidRequest("that is yourself", path="$.member")
    pair = ":".join(sorted((me["id"], other["id"])))
    if (known := await views.get_direct(pair)) is not None:
        return known, False
    if other["is_blocked"]:
        raise Conflict("you have blocked this person")
    try:
        return await _ask(wish, [Person(row["id"], row["username"]) for row in (me, other)], turn, ref), True
    except Conflict:
        if (known := await views.get_direct(pair)) is None:
            raise
        return known, False


async def _ask(wish: CreateChat, people: list[Person], turn: Turn, ref: Refs) -> str:
    chat_id = uuid7()
    order = FoundChat(
        chat_id=chat_id, kind=wish.kind, people=people, name=wish.name or "", description=wish.description
    )
    await ref("chat", chat_id).ask(order, turn.caller, idempotency=turn.idempotency)
    return chat_id


async def _rows(views: ChatViews, turn: Turn, names: Sequence[str]) -> list[Record]:
    rows = await views.list_people(turn.caller.user_id or "", names)
    for name, row in zip(names, rows, strict=True):
        if row["id"] is None:
            raise NotFound(f"no such person: {name}", person=name)
    return rows


def _check(wish: CreateChat) -> None:
    """A direct chat has one other person and nothing else; a group has a name."""
    if wish.kind == "group":
        if wish.name is None:
            raise InvalidRequest("a group has a name", path="$.name")
        if wish.member is not None:
            raise InvalidRequest("a group has `members`", path="$.member")
        return
    if wish.member is None:
        raise InvalidRequest("a direct chat is with somebody", path="$.member")
    for field in ("name", "members", "description"):
        if getattr(wish, field):
            raise InvalidRequest("a direct chat has no such thing", path=f"$.{field}")
