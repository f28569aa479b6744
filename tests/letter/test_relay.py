"""Hand-overs: who may give to whom, for how long, and that no status of the letter changes."""

from typing import Any, NamedTuple

import pytest

from actors.errors import Conflict
from actors.messages.delivery import Scan, ScanEntry
from actors.runtime.message import Caller
from tests.courier.rows import load_of
from tests.letter.house import DOOR, HOME, Post, heard
from tests.letter.test_time import later
from tests.system.house import Person


class Hands(NamedTuple):
    """Couriers of two schools."""

    building: Person
    neighbour: Person
    area: Person
    other_area: Person
    school: Person
    far_school: Person


@pytest.fixture
async def hands(post: Post, ada: Person, ben: Person) -> Hands:
    area = await post.courier("area", "PK5F", level=2)
    building = await post.courier("building", "PK5F", parent_id=area.id)
    neighbour = await post.courier("neighbour", "PK5F2")
    other_area = await post.courier("otherarea", "PK7B", level=2)
    school = await post.courier("school", "PK", level=3)
    far_school = await post.courier("farschool", "QH", level=3)
    return Hands(building, neighbour, area, other_area, school, far_school)


async def in_hand(post: Post, ada: Person, who: Person) -> dict[str, Any]:
    letter = await post.sealed(ada)
    await post.task(who, letter, "accept")
    await post.scan(who, letter, "collect")
    return letter


async def holder(post: Post, letter: dict[str, Any]) -> str:
    [row] = await post.sql("select courier_id from delivery where letter_id = $1", letter["id"])
    found: str = row["courier_id"]
    return found


async def test_paper_goes_from_hand_to_hand(post: Post, ada: Person, hands: Hands) -> None:
    letter = await in_hand(post, ada, hands.building)
    wire = await post.listen(hands.building, f"letter:{letter['id']}")
    await post.scan(hands.neighbour, letter, "receive", expect=409)  # nothing is offered
    offered = await post.scan(hands.building, letter, "handover", to=hands.neighbour.id)
    assert offered["task"]["offer"]["to"] == hands.neighbour.id
    await post.scan(hands.area, letter, "receive", to=hands.area.id, expect=403)  # offered to somebody else
    received = await post.scan(hands.neighbour, letter, "receive")
    assert (received["status"], received["task"]["courier_id"]) == ("collected", hands.neighbour.id)
    assert (await post.scan(hands.neighbour, letter, "receive"))["result"] == "repeated"
    await post.scan(hands.building, letter, "transit", expect=403)
    loads = [(await load_of(post.dsn, one.id))["open_tasks"] for one in (hands.building, hands.neighbour)]
    assert loads == [0, 1]
    steps = [(await heard(wire, f"letter:{letter['id']}"))["step"] for _ in range(2)]
    assert steps == ["handover_offered", "handed_over"]
    track = (await post.get(ada, letter, "/track"))["items"]
    assert [step["courier_id"] for step in track if step["step"] == "handed_over"] == [hands.neighbour.id]
    assert "Your hand-over was received" in await post.titles(hands.building)


async def test_an_offer_to_nobody_in_particular_is_anybodys(post: Post, ada: Person, hands: Hands) -> None:
    letter = await in_hand(post, ada, hands.building)
    await post.scan(hands.building, letter, "handover")
    await post.scan(hands.other_area, letter, "receive", expect=403)  # across areas
    await post.scan(hands.area, letter, "receive")
    assert await holder(post, letter) == hands.area.id


async def test_ways_that_cross_go_through_the_levels(post: Post, ada: Person, hands: Hands) -> None:
    letter = await in_hand(post, ada, hands.building)
    refused = await post.scan(hands.building, letter, "handover", to=hands.other_area.id, expect=403)
    assert refused["detail"] == "between areas paper goes through level 2"
    refused = await post.scan(hands.building, letter, "handover", to=hands.far_school.id, expect=403)
    assert refused["detail"] == "between schools paper goes through level 3"
    await post.scan(hands.building, letter, "handover", to=ada.id, expect=403)
    for giver, taker in ((hands.building, hands.area), (hands.area, hands.school), (hands.school, hands.far_school)):
        await post.scan(giver, letter, "handover", to=taker.id)
        await post.scan(taker, letter, "receive")
    assert await holder(post, letter) == hands.far_school.id
    await post.scan(hands.far_school, letter, "transit", "QH7A00")
    await post.scan(hands.far_school, letter, "deliver", DOOR)
    track = (await post.get(ada, letter, "/track"))["items"]
    assert [step["step"] for step in track].count("handed_over") == 3


async def test_what_was_not_received_in_time_a_parent_confirms(post: Post, ada: Person, hands: Hands) -> None:
    letter = await in_hand(post, ada, hands.building)
    await post.scan(hands.building, letter, "handover", to=hands.neighbour.id)
    async with later(post, minutes=11):
        with pytest.raises(Conflict, match="not received in time"):
            await post.served.refs("letter", letter["id"]).ask(*receive(letter, hands.neighbour))
    await post.scan(hands.school, letter, "receive", expect=403)  # no parent of either
    await post.scan(hands.area, letter, "receive")
    assert await holder(post, letter) == hands.neighbour.id


def receive(letter: dict[str, Any], who: Person) -> tuple[Any, Any]:
    entry = ScanEntry(code=letter["code"], action="receive", op_code=HOME, client_scan_id="late")
    return Scan(letter_id=letter["id"], entry=entry), Caller(user_id=who.id, role="user")


async def test_only_paper_in_hand_is_handed_over(post: Post, ada: Person, hands: Hands) -> None:
    letter = await post.sealed(ada)
    await post.task(hands.building, letter, "accept")
    await post.scan(hands.building, letter, "handover", expect=409)
    await post.scan(hands.building, letter, "collect")
    await post.scan(hands.neighbour, letter, "handover", expect=403)
    await post.scan(hands.building, letter, "handover", "QH7A03", expect=403)  # not where they are


async def test_tasks_are_given_by_hand_inside_ones_own_tree(post: Post, ada: Person, hands: Hands) -> None:
    letter = await post.sealed(ada)
    wish: dict[str, Any] = {"courier_id": hands.building.id}
    await post.task(hands.neighbour, letter, "assign", expect=403, **wish)
    await post.task(ada, letter, "assign", expect=404, **wish)
    await post.task(hands.area, letter, "assign", expect=403, courier_id=hands.neighbour.id)
    given = await post.task(hands.area, letter, "assign", **wish)
    assert (given["status"], given["courier_id"]) == ("accepted", hands.building.id)
    await post.task(post.admin, letter, "reassign", expect=400, courier_id=hands.neighbour.id)  # no reason
    again = await post.task(post.admin, letter, "reassign", courier_id=hands.neighbour.id, reason="A broken bike")
    assert again["courier_id"] == hands.neighbour.id
    loads = [(await load_of(post.dsn, one.id))["open_tasks"] for one in (hands.building, hands.neighbour)]
    assert loads == [0, 1]
    history = (await post.call(post.admin, "GET", f"/couriers/tasks/{letter['task_id']}"))["history"]
    assert [(step["step"], step["note"]) for step in history] == [
        ("offered", None), ("assigned", None), ("reassigned", "A broken bike")
    ]  # fmt: skip
