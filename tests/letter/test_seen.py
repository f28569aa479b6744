"""Who sees what of a letter, and when."""

from typing import Any

from tests.letter.house import DOOR, HOME, Post, heard
from tests.system.house import Person


async def carry(post: Post, cat: Person, letter: dict[str, Any], *actions: str) -> None:
    await post.task(cat, letter, "accept")
    for action in actions or ("collect", "transit", "deliver"):
        await post.scan(cat, letter, action, DOOR if action == "deliver" else HOME)


async def test_a_draft_keeps_what_it_said(post: Post, ada: Person, ben: Person) -> None:
    letter = await post.draft(ada)
    path = f"/letters/{letter['id']}"
    changed = await post.call(ada, "PATCH", path, {"content": "Come at six.", "priority": "urgent"})
    assert (changed["version"], changed["title"], changed["priority"]) == (2, "Tea?", "urgent")
    assert (await post.call(ada, "PATCH", path, {"instructions": "Ring twice."}))["version"] == 2
    versions = (await post.call(ada, "GET", f"{path}/versions"))["items"]
    assert [(one["version"], one["content"]) for one in versions] == [(2, "Come at six."), (1, "Come at five.")]
    restored = await post.call(ada, "POST", f"{path}/versions/1/restore")
    assert (restored["version"], restored["content"]) == (3, "Come at five.")
    assert (await post.call(ada, "POST", f"{path}/versions/1/restore"))["version"] == 3
    await post.call(ada, "POST", f"{path}/versions/9/restore", expect=404)
    for method, more in (("GET", ""), ("GET", "/versions"), ("PATCH", ""), ("DELETE", ""), ("POST", "/seal")):
        await post.call(ben, method, path + more, expect=404)
    await post.act(ada, letter, "seal")
    await post.call(ada, "PATCH", path, {"content": "too late"}, expect=409)
    await post.call(ada, "DELETE", path, expect=409)


async def test_what_cannot_be_sealed_says_why(post: Post, ada: Person, ben: Person) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"content": " \n"}, "$.content"), ({"to_op_code": None}, "$.to_op_code"),
        ({"to_op_code": "QH7AO3"}, "$.to_op_code"),
        ({"from_op_code": "ZZ5F21"}, "$.from_op_code"),
    ]  # fmt: skip
    for fields, path in cases:
        letter = await post.draft(ada, **fields)
        refused = await post.act(ada, letter, "seal", expect=400)
        assert refused["errors"][0]["path"] == path, refused
        assert (await post.get(ada, letter))["status"] == "draft"
    assert (
        "was it QH7A03"
        in (await post.act(ada, await post.draft(ada, to_op_code="qh7a-o3"), "seal", expect=400))["detail"]
    )
    await post.call(ada, "POST", "/letters", {"recipient": "nobody"}, expect=404)
    await post.call(ada, "POST", "/letters", {"recipient": "ada"}, expect=400)
    await post.call(ben, "PUT", "/profiles/ada/block", expect=204)
    await post.call(ada, "POST", "/letters", {"recipient": "ben"}, expect=404)


async def test_who_lives_there_gets_it_and_stays_unnamed(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada, recipient=None)
    assert letter["recipient"] is None and letter["to_op_code"] == DOOR
    await carry(post, cat, letter)
    assert (await post.get(ben, letter))["status"] == "read"
    assert (await post.get(ada, letter))["recipient"] is None
    to_person = await post.sealed(ada, recipient="ben", to_op_code=None)
    assert (to_person["recipient"]["username"], to_person["to_op_code"]) == ("ben", "QH7A**")
    again = await post.act(ada, to_person, "recall")
    assert (again["to_op_code"], again["code"], again["recipient"]["username"]) == (None, None, "ben")


async def test_an_anonymous_writer_stays_hidden(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada, recipient="ben", anonymous=True)
    await carry(post, cat, letter)
    seen = await post.get(ben, letter)
    assert (seen["sender"], seen["from_op_code"]) == (None, None)
    assert (await post.call(None, "GET", f"/letters/read/{letter['code']}"))["sender"] is None
    track = (await post.get(ben, letter, "/track"))["items"]
    assert {step["place"] for step in track} == {None, "PK5F**", "QH7A**"}
    assert {step["courier_id"] for step in track} == {None}
    answer = await post.act(ben, letter, "reply", expect=201, content="Who are you?")
    assert (answer["recipient"], answer["to_op_code"]) == (None, "PK5F**")
    answer = await post.act(ben, answer, "seal")
    assert (answer["status"], answer["recipient"], answer["to_op_code"]) == ("sealed", None, "PK5F**")
    both = await post.courier("dan", "PK5F", "QH7A")
    await post.task(both, answer, "accept")
    await post.scan(both, answer, "collect", DOOR)
    assert (await post.get(ada, answer))["reply_to"] == letter["id"]
    told = str(await post.sql("select title, body, data from notification where user_id = $1", ben.id))
    assert ada.id not in told and "ada" not in told


async def test_readers_are_counted_once_a_day(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada, recipient="ben")
    path = f"/letters/read/{letter['code']}"
    await post.call(None, "GET", path, expect=404)
    await carry(post, cat, letter, "collect")
    await post.call(ben, "GET", path, expect=404)
    await post.scan(cat, letter, "transit")
    for who in (None, None, ben, ben, ada):
        await post.call(who, "GET", path)
    assert await post.states(letter) == ("in_transit", "in_transit")  # read on its way: nothing moves
    assert (await post.get(ada, letter))["read_count"] == 2
    await post.scan(cat, letter, "deliver", DOOR)
    shown = await post.call(None, "GET", f"/letters/read/{letter['code'].lower()}")
    assert (shown["status"], shown["read_count"], shown["content"]) == ("read", 2, "Come at five.")


async def test_a_letter_is_put_away_for_oneself(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada, recipient="ben")
    assert (await post.act(ada, letter, "archive", expect=409))["from"] == "sealed"
    await carry(post, cat, letter)
    assert (await post.act(ada, letter, "archive"))["status"] == "archived"
    assert (await post.get(ben, letter))["status"] == "read"
    assert (await post.act(ben, letter, "archive"))["status"] == "archived"
    for who in (ada, ben):
        boxes = {
            box: [one["id"] for one in (await post.call(who, "GET", f"/letters?box={box}"))["items"]]
            for box in ("drafts", "sent", "received", "archived")
        }
        assert boxes == {"drafts": [], "sent": [], "received": [], "archived": [letter["id"]]}


async def test_boxes_come_in_pages_and_are_searched(post: Post, ada: Person, ben: Person) -> None:
    made = [await post.draft(ada, title=f"Number {n}", content="100% sure" if n == 2 else "Dear") for n in range(5)]
    page = await post.call(ada, "GET", "/letters?box=drafts&limit=3")
    rest = await post.call(ada, "GET", f"/letters?box=drafts&limit=3&cursor={page['next_cursor']}")
    assert [one["id"] for one in page["items"] + rest["items"]] == [one["id"] for one in reversed(made)]
    assert rest["next_cursor"] is None and page["items"][0]["content"] is None
    found = await post.call(ada, "GET", "/letters?box=drafts&q=100%25")
    assert [one["id"] for one in found["items"]] == [made[2]["id"]]
    assert (await post.call(ben, "GET", "/letters?box=drafts"))["items"] == []


async def test_a_stranger_sees_what_is_public_or_nothing(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    eve = await post.served.person("eve")
    letter = await post.sealed(ada, recipient="ben", visibility="public")
    await post.get(eve, letter, expect=404)
    await post.get(eve, letter, "/track", expect=404)
    await carry(post, cat, letter)
    seen = await post.get(eve, letter)
    assert (seen["content"], seen["recipient"], seen["code"], seen["to_op_code"]) == (
        "Come at five.",
        None,
        None,
        "QH7A**",
    )
    by_code = await post.call(None, "GET", f"/letters/{letter['code']}/track", expect=401)
    assert by_code["code"] == "unauthorized"
    track = (await post.call(eve, "GET", f"/letters/{letter['code']}/track"))["items"]
    assert [step["place"] for step in track if step["step"] == "delivered"] == ["QH7A**"]
    hers = (await post.get(ada, letter, "/track?limit=2"))["items"]
    assert [step["step"] for step in hers] == ["sealed", "offered"]
    wire = await post.listen(eve)
    assert (await wire.ask(subscribe={"channel": f"letter:{letter['id']}"}))["error"]["code"] == 103


async def test_nothing_private_is_told_live_or_in_history(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada, recipient="ben", anonymous=True)
    ear = await post.listen(ben)
    channel = f"letter:{letter['id']}"
    assert (await ear.ask(subscribe={"channel": channel}))["error"]["code"] == 103  # not collected yet
    await carry(post, cat, letter, "collect")
    head = await ear.ask(subscribe={"channel": channel, "recover": True, "offset": 0, "epoch": "", "recoverable": True})
    assert "error" not in head
    past = (await ear.ask(history={"channel": channel, "limit": 100}))["history"]["publications"]
    await post.scan(cat, letter, "transit")
    live = [await heard(ear, channel) for _ in range(2)]
    everything = str([*past, *live])
    assert len(past) >= 4
    for secret in (ada.id, "private", HOME, DOOR, "five", "Tea"):
        assert secret not in everything


async def test_couriers_see_what_is_near_first(post: Post, ada: Person, ben: Person) -> None:
    await post.point("PK7B10", ben)
    far, near, there = [await post.sealed(ada, from_op_code=place) for place in ("PK7B10", "PK5F99", HOME)]
    school = await post.courier("sue", "PK", level=3)
    page = await post.call(school, "GET", f"/couriers/tasks?near={HOME.lower()}&limit=2")
    rest = await post.call(school, "GET", f"/couriers/tasks?near={HOME.lower()}&limit=2&cursor={page['next_cursor']}")
    assert [task["letter_id"] for task in page["items"] + rest["items"]] == [there["id"], near["id"], far["id"]]
    assert page["items"][0]["to_op_code"] == "QH7A**"  # not their territory
    building = await post.courier("cat", "PK5F9")
    [only] = (await post.call(building, "GET", "/couriers/tasks"))["items"]
    assert only["letter_id"] == near["id"]
    await post.call(ben, "GET", "/couriers/tasks", expect=403)
    await post.call(building, "GET", f"/couriers/tasks/{far['task_id']}", expect=404)
