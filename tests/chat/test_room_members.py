"""Members: who may do what to whom, how a group changes hands, and who is there in the end."""

from datetime import timedelta
from typing import Any

import pytest

from actors.errors import Conflict, Forbidden, InvalidRequest, NotFound
from actors.messages.chat import DeleteChat, IsMember, LoseMember, Rename
from tests.chat.house import Rooms, Somebody, open_rooms

ROLES = ("owner", "admin", "member")


class Group:
    """A group with two of each role below the owner, and somebody who is not in it."""

    def __init__(self, rooms: Rooms, people: list[Somebody]) -> None:
        self.rooms = rooms
        self.owner, self.admin, self.admin2, self.member, self.member2, self.stranger = people
        self.id = ""

    async def form(self) -> None:
        """Bring them together."""
        inside = [self.owner, self.admin, self.admin2, self.member, self.member2]
        self.id = await self.rooms.group(*inside)
        for admin in (self.admin, self.admin2):
            await self.rooms.regulate(self.id, self.owner, admin, role="admin")

    def one(self, role: str) -> Somebody:
        """Who does."""
        return {"owner": self.owner, "admin": self.admin, "member": self.member, "stranger": self.stranger}[role]

    def other(self, role: str) -> Somebody:
        """To whom it is done."""
        return {"owner": self.owner, "admin": self.admin2, "member": self.member2, "stranger": self.stranger}[role]


@pytest.fixture
async def group(rooms: Rooms) -> Group:
    made = Group(rooms, await rooms.people("olga", "anna", "amir", "mona", "milo", "sven"))
    await made.form()
    return made


async def outcome(work: Any) -> str:
    """What became of a wish, in a word."""
    try:
        await work
    except (Forbidden, NotFound, Conflict) as error:
        return type(error).__name__
    return "done"


MAY_REMOVE = {
    ("owner", "admin"): "done", ("owner", "member"): "done", ("owner", "stranger"): "NotFound",
    ("admin", "owner"): "Forbidden", ("admin", "admin"): "Forbidden", ("admin", "member"): "done",
    ("member", "owner"): "Forbidden", ("member", "admin"): "Forbidden", ("member", "member"): "Forbidden",
    ("stranger", "owner"): "NotFound", ("stranger", "member"): "NotFound", ("stranger", "stranger"): "NotFound",
}  # fmt: skip


@pytest.mark.parametrize(("who", "whom"), MAY_REMOVE)
async def test_who_may_remove_whom(group: Group, who: str, whom: str) -> None:
    doing = group.rooms.remove(group.id, group.one(who), group.other(whom))
    assert await outcome(doing) == MAY_REMOVE[who, whom]

    is_gone = MAY_REMOVE[who, whom] == "done" or whom == "stranger"
    other = group.other(whom)
    assert await group.rooms.ask(None, IsMember(chat_id=group.id, user_id=other.id)) == (not is_gone)
    assert (other.name in await group.rooms.roles(group.id)) == (not is_gone)


MAY_SILENCE = {
    ("owner", "owner"): "Forbidden", ("owner", "admin"): "done", ("owner", "member"): "done",
    ("admin", "owner"): "Forbidden", ("admin", "admin"): "Forbidden", ("admin", "member"): "done",
    ("member", "owner"): "Forbidden", ("member", "admin"): "Forbidden", ("member", "member"): "Forbidden",
    ("stranger", "member"): "NotFound", ("owner", "stranger"): "NotFound",
}  # fmt: skip


@pytest.mark.parametrize(("who", "whom"), MAY_SILENCE)
async def test_who_may_silence_whom(group: Group, who: str, whom: str) -> None:
    other = group.other(whom)
    doing = group.rooms.regulate(group.id, group.one(who), other, silenced=True)
    assert await outcome(doing) == MAY_SILENCE[who, whom]

    is_heard = MAY_SILENCE[who, whom] != "done"
    if whom != "stranger":
        assert (await outcome(group.rooms.say(group.id, other)) == "done") == is_heard


MAY_GIVE_ROLE = {
    ("owner", "admin", "member"): "done", ("owner", "member", "admin"): "done", ("owner", "member", "owner"): "done",
    ("owner", "owner", "admin"): "Conflict", ("owner", "stranger", "member"): "NotFound",
    ("admin", "member", "admin"): "Forbidden", ("admin", "admin", "member"): "Forbidden",
    ("admin", "owner", "member"): "Forbidden", ("member", "member", "admin"): "Forbidden",
    ("stranger", "member", "admin"): "NotFound",
}  # fmt: skip


@pytest.mark.parametrize(("who", "whom", "role"), MAY_GIVE_ROLE)
async def test_who_may_give_whom_which_role(group: Group, who: str, whom: str, role: str) -> None:
    before = await group.rooms.roles(group.id)
    doing = group.rooms.regulate(group.id, group.one(who), group.other(whom), role=role)
    assert await outcome(doing) == MAY_GIVE_ROLE[who, whom, role]

    after = await group.rooms.roles(group.id)
    assert after.get(group.other(whom).name) == role if MAY_GIVE_ROLE[who, whom, role] == "done" else after == before


@pytest.mark.parametrize("role", [*ROLES, "stranger"])
async def test_who_may_add_and_rename_and_end(group: Group, role: str) -> None:
    rooms, who = group.rooms, group.one(role)
    [newcomer, colleague] = await rooms.people("nora", "kurt")
    found = [
        await outcome(rooms.admit(group.id, who, newcomer)),
        await outcome(rooms.ask(who, Rename(chat_id=group.id, name="Them"))),
        await outcome(rooms.admit(group.id, who, colleague, "admin")),
        await outcome(rooms.ask(who, DeleteChat(chat_id=group.id))),
    ]
    assert (
        found
        == {
            "owner": ["done", "done", "done", "done"],
            "admin": ["done", "done", "Forbidden", "Forbidden"],
            "member": ["Forbidden"] * 4,
            "stranger": ["NotFound"] * 4,
        }[role]
    )


async def test_everybody_mutes_for_themselves(group: Group) -> None:
    for one in (group.owner, group.admin, group.member):
        assert (await group.rooms.regulate(group.id, one, one, muted=True)).muted
    with pytest.raises(Forbidden):
        await group.rooms.regulate(group.id, group.owner, group.member2, muted=True)


async def test_an_owner_hands_over_before_leaving(group: Group) -> None:
    rooms, chat = group.rooms, group.id
    with pytest.raises(Conflict):
        await rooms.remove(chat, group.owner, group.owner)
    await rooms.regulate(chat, group.owner, group.member, silenced=True)
    heir = await rooms.regulate(chat, group.owner, group.member, role="owner")
    assert (heir.role, heir.silenced) == ("owner", False)
    await rooms.remove(chat, group.owner, group.owner)

    roles = await rooms.roles(chat)
    assert (roles["mona"], "olga" in roles, len(roles)) == ("owner", False, 4)
    [row] = await rooms.sql("select owner_id, members_count from chat")
    assert (row["owner_id"], row["members_count"]) == (group.member.id, 4)
    assert await rooms.notes(chat) == ["olga handed the group over to mona", "olga left"]
    await rooms.say(chat, group.member)  # not silenced any more


async def test_nobody_is_made_owner_and_silenced_at_once(group: Group) -> None:
    with pytest.raises(InvalidRequest):
        await group.rooms.regulate(group.id, group.owner, group.member, role="owner", silenced=True)


async def test_what_changes_nothing_is_no_event(group: Group) -> None:
    rooms, before = group.rooms, len(await group.rooms.told(group.id))
    await rooms.regulate(group.id, group.owner, group.owner, role="owner")
    await rooms.regulate(group.id, group.member, group.member, muted=False)
    await rooms.ask(group.owner, Rename(chat_id=group.id, name="Us"))
    stays = await rooms.admit(group.id, group.admin, group.admin2)

    assert stays.role == "admin"
    assert len(await rooms.told(group.id)) == before


async def test_what_is_done_is_said_and_told_in_one_turn(group: Group) -> None:
    rooms, chat = group.rooms, group.id
    [nora] = await rooms.people("nora")
    before = len(await rooms.told(chat))
    await rooms.admit(chat, group.admin, nora)
    await rooms.remove(chat, group.admin, nora)
    await rooms.ask(group.owner, Rename(chat_id=chat, name="Them", notice="be kind", description="all of us"))

    told = (await rooms.told(chat))[before:]
    assert [body["type"] for body in told] == [
        "member.joined", "message.created", "member.left", "message.created",
        "chat.changed", "message.created", "message.created",
    ]  # fmt: skip
    assert (told[0]["member"]["username"], told[0]["members_count"], told[2]["members_count"]) == ("nora", 6, 5)
    assert told[2]["removed_by"] == group.admin.id
    assert told[4]["chat"]["notice"] == "be kind"
    assert await rooms.notes(chat) == [
        "anna added nora", "anna removed nora", "olga changed the name to Them", "olga changed the notice",
    ]  # fmt: skip
    rows = await rooms.messages(chat)
    assert [(row["seq"], row["sender_id"]) for row in rows] == [
        (1, group.admin.id), (2, group.admin.id), (3, group.owner.id), (4, group.owner.id),
    ]  # fmt: skip
    [row] = await rooms.sql("select name, description, notice, last_seq from chat")
    assert tuple(row) == ("Them", "all of us", "be kind", 4)


async def test_who_comes_later_has_read_what_was_said_before(group: Group) -> None:
    rooms = group.rooms
    [nora] = await rooms.people("nora")
    await rooms.say(group.id, group.owner)
    await rooms.admit(group.id, group.owner, nora)

    rows = await rooms.sql("select user_id, seq from chat_read where seq > 0")
    assert [tuple(row) for row in rows] == [(nora.id, 2)]
    await rooms.remove(group.id, nora, nora)
    assert await rooms.sql("select from chat_read where user_id = $1", nora.id) == []


async def test_the_last_one_to_leave_ends_the_group(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, _ = people
    chat = await rooms.group(ada, bob)
    await rooms.say(chat, ada)
    await rooms.remove(chat, bob, bob)
    await rooms.remove(chat, ada, ada)

    assert [body["type"] for body in await rooms.told(chat)][-2:] == ["member.left", "chat.deleted"]
    for table in ("chat", "chat_member", "chat_message", "chat_read"):
        assert await rooms.sql(f"select from {table}") == []
    with pytest.raises(NotFound):
        await rooms.say(chat, ada)


async def test_a_group_that_is_ended_is_gone_also_after_a_restart(database_dsn: str) -> None:
    async with open_rooms(database_dsn) as rooms:
        ada, bob = await rooms.people("ada", "bob")
        chat = await rooms.group(ada, bob)
        await rooms.ask(ada, DeleteChat(chat_id=chat))
        with pytest.raises(NotFound):
            await rooms.say(chat, bob)
    async with open_rooms(database_dsn) as rooms:
        with pytest.raises(NotFound):
            await rooms.say(chat, ada)


async def test_who_loses_their_account_leaves_and_the_eldest_administrator_inherits(rooms: Rooms) -> None:
    olga, mona, anna, amir = await rooms.people("olga", "mona", "anna", "amir")
    chat = await rooms.group(olga, mona)
    for seconds, one in enumerate((anna, amir)):
        rooms.clock.is_at = rooms.clock.now() + timedelta(seconds=seconds + 1)
        await rooms.admit(chat, olga, one, "admin")
    await rooms.ask(None, LoseMember(chat_id=chat, user_id=olga.id))
    assert await rooms.roles(chat) == {"mona": "member", "anna": "owner", "amir": "admin"}
    await rooms.regulate(chat, anna, amir, role="member")
    await rooms.regulate(chat, anna, mona, silenced=True)
    await rooms.ask(None, LoseMember(chat_id=chat, user_id=anna.id))
    assert await rooms.roles(chat) == {"mona": "owner", "amir": "member"}  # there from the beginning
    await rooms.say(chat, mona, "the silenced inherit a voice")
    again = len(await rooms.told(chat))
    await rooms.ask(None, LoseMember(chat_id=chat, user_id=anna.id))

    assert len(await rooms.told(chat)) == again
    assert (await rooms.notes(chat))[-2:] == ["anna left", "anna handed the group over to mona"]


async def test_a_chat_ends_with_the_last_account_in_it(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, cyd = people
    direct, alone = await rooms.direct(ada, bob), await rooms.group(cyd)
    await rooms.ask(None, LoseMember(chat_id=alone, user_id=cyd.id))
    await rooms.ask(None, LoseMember(chat_id=direct, user_id=bob.id))
    await rooms.say(direct, ada, "are you there?")
    await rooms.ask(None, LoseMember(chat_id=direct, user_id=ada.id))

    assert await rooms.sql("select from chat") == []
    await rooms.ask(None, LoseMember(chat_id=direct, user_id=ada.id))


async def test_whose_account_has_ended_comes_into_no_chat(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, cyd = people
    chat = await rooms.group(ada)
    await rooms.sql("delete from account where id = $1", cyd.id)
    with pytest.raises(NotFound):
        await rooms.admit(chat, ada, cyd)
    with pytest.raises(NotFound):
        await rooms.direct(ada, cyd)
    with pytest.raises(NotFound):
        await rooms.group(bob, cyd)
    assert await rooms.roles(chat) == {"ada": "owner"}


async def test_a_direct_chat_stays_as_it_is(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, cyd = people
    chat = await rooms.direct(ada, bob)
    for wish in (
        rooms.admit(chat, ada, cyd), rooms.remove(chat, ada, ada), rooms.remove(chat, ada, bob),
        rooms.regulate(chat, ada, bob, role="admin"), rooms.regulate(chat, ada, bob, silenced=True),
        rooms.ask(ada, Rename(chat_id=chat, name="x")), rooms.ask(ada, DeleteChat(chat_id=chat)),
    ):  # fmt: skip
        assert await outcome(wish) == "Forbidden"
    assert (await rooms.regulate(chat, ada, ada, muted=True)).muted


async def test_a_full_group_lets_nobody_in(database_dsn: str) -> None:
    async with open_rooms(database_dsn, most=2) as rooms:
        ada, bob, cyd = await rooms.people("ada", "bob", "cyd")
        chat = await rooms.group(ada, bob)
        with pytest.raises(Conflict):
            await rooms.admit(chat, ada, cyd)
        with pytest.raises(InvalidRequest):
            await rooms.group(ada, bob, cyd)
        await rooms.remove(chat, bob, bob)
        await rooms.admit(chat, ada, cyd)


@pytest.mark.parametrize("fields", [{"name": " "}, {"name": "a\0"}, {"name": "x", "description": "\0"}])
async def test_a_group_has_a_name_that_can_be_kept(
    rooms: Rooms, people: list[Somebody], fields: dict[str, str]
) -> None:
    chat = await rooms.group(*people)
    with pytest.raises(InvalidRequest):
        await rooms.found("group", *people, **fields)
    with pytest.raises(InvalidRequest):
        await rooms.ask(people[0], Rename(chat_id=chat, **fields))
