"""The whole story over HTTP, and seen live: written, sealed, accepted, carried, delivered, read, answered."""

from tests.letter.house import DOOR, HOME, Post, heard
from tests.system.house import Person


async def test_a_letter_is_written_carried_read_and_answered(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada, recipient="ben")
    assert (letter["status"], letter["code"][:2], len(letter["code"])) == ("sealed", "OP", 12)
    wire = await post.listen(ada, f"letter:{letter['id']}")
    await post.get(ben, letter, expect=404)

    task = await post.task(cat, letter, "accept")
    assert (task["status"], task["courier_id"], task["points"]) == ("accepted", cat.id, 5)
    collected = await post.scan(cat, letter, "collect")
    assert (collected["status"], collected["task"]["status"]) == ("collected", "collected")
    assert collected["next"] == ["transit", "fail", "handover"]
    seen = await post.get(ben, letter)
    assert (seen["status"], seen["content"], seen["sender"]["username"]) == ("collected", None, "ada")
    await post.scan(cat, letter, "transit")
    assert (await post.get(ben, letter))["content"] == "Come at five."
    delivered = await post.scan(cat, letter, "deliver", DOOR)
    assert (delivered["status"], delivered["next"]) == ("delivered", [])
    assert (await post.get(ben, letter))["status"] == "read"

    moves: list[dict[str, str]] = []
    while not moves or moves[-1]["to"] != "read":
        told = await heard(wire, f"letter:{letter['id']}")
        if told["type"] == "letter.moved":
            moves.append(told)
    assert [(move["from"], move["to"], move["place"]) for move in moves] == [
        ("sealed", "collected", "PK5F**"), ("collected", "in_transit", "PK5F**"), ("in_transit", "delivered", "QH7A**"),
        ("delivered", "read", None),
    ]  # fmt: skip
    assert not any("private" in move for move in moves)

    answer = await post.act(ben, letter, "reply", expect=201, content="Gladly.")
    assert (answer["kind"], answer["recipient"]["username"], answer["from_op_code"]) == ("reply", "ada", DOOR)
    await post.act(ben, answer, "seal")
    thread = await post.get(ben, letter, "/thread")
    assert [one["id"] for one in thread["items"]] == [letter["id"], answer["id"]]
    steps = [step["step"] for step in (await post.get(ada, letter, "/track"))["items"]]
    assert steps == ["sealed", "offered", "accepted", "collected", "in_transit", "delivered", "read"]
    assert HOME in {step["place"] for step in (await post.get(ada, letter, "/track"))["items"]}


async def test_a_profile_counts_what_was_sealed_under_its_name(post: Post, ada: Person, ben: Person) -> None:
    await post.draft(ada)
    await post.sealed(ada, anonymous=True)
    taken_back, _ = await post.sealed(ada), await post.sealed(ada, recipient="ben")
    await post.act(ada, taken_back, "recall")
    assert (await post.call(ben, "GET", "/profiles/ada"))["counts"]["letters"] == 1
