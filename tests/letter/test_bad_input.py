"""What comes from phones and is not what it should be: refused with a reason that helps, kept, and without effect."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.letter.house import DOOR, HOME, Post
from tests.system.house import Person


async def kept(post: Post, who: Person) -> list[dict[str, Any]]:
    """Somebody's scans as they were kept, oldest first."""
    page = await post.call(who, "GET", "/couriers/scans?limit=100")
    return list(reversed(page["items"]))


async def test_codes_that_are_none_say_what_to_look_at(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada)
    await post.task(cat, letter, "accept")
    code: str = letter["code"]
    wrong = (
        (f"{code[:5]}O{code[6:]}", 400, "look at character 6 again, it was read as O"),
        (f"{code[:5]}i{code[6:]}", 400, "look at character 6 again, it was read as I"),
        ("9783161484100", 400, "a code on an envelope is OP and"), ("OP234", 400, "6 or 10 more characters"),
        ("OP\u0416\u041622222222", 400, "no 0, O, 1, I or L"), ("https://example.org", 400, "is OP and"),
        ("OP2222222222", 404, "no letter has this code"), ("op-222222", 404, "no letter has this code"),
    )  # fmt: skip
    for text, status, hint in wrong:
        refused = await post.scan(cat, {"code": text}, "collect", expect=status)
        assert hint in refused["detail"], refused
        if status == 400:
            assert refused["errors"][0]["path"] == "$.code"
    places = (("PK5F2", "expected 6"), ("PK5F\u00e41", "A-Z and digits"), ("      ", "A-Z and digits"))
    for place, hint in places:
        refused = await post.scan(cat, letter, "collect", place, expect=400)
        assert (refused["errors"][0]["path"], hint in refused["detail"]) == ("$.op_code", True), refused
    assert [scan["code"] for scan in await kept(post, cat)] == [text for text, *_ in wrong] + [code] * len(places)
    assert await post.states(letter) == ("sealed", "accepted")
    assert (await post.scan(cat, {"code": f"0p{code[2:].lower()}"}, "collect"))["status"] == "collected"


async def test_couriers_of_elsewhere_move_nothing_and_are_kept(
    post: Post, ada: Person, ben: Person, cat: Person
) -> None:
    oz = await post.courier("ozy", "ZZ9Z")
    sue = await post.courier("sue", "PK", level=3, status="suspended")
    letter = await post.sealed(ada)
    await post.task(cat, letter, "accept")
    for who in (oz, sue):
        refused = await post.scan(who, letter, "collect", note="found it", expect=403)
        assert (refused["from"], refused["to"]) == ("sealed", "collected")
        [scan] = await kept(post, who)
        assert (scan["result"], scan["op_code"], scan["note"], scan["refusal"]["code"]) == (
            "refused", HOME, "found it", "forbidden",
        )  # fmt: skip
        await post.task(who, letter, "accept", expect=404)
    assert await post.states(letter) == ("sealed", "accepted")


async def test_clocks_of_two_phones_an_hour_off_change_no_order_and_no_time(
    post: Post, ada: Person, ben: Person, cat: Person
) -> None:
    """One is ahead, the other one behind: what arrives first happens first, and when it arrives."""
    cyd = await post.courier("cyd", "PK5F", "QH7A")
    letter = await post.sealed(ada)
    await post.task(cat, letter, "accept")
    begun = datetime.now(UTC)
    for who, action, place, hours in (
        (cat, "collect", HOME, 1), (cat, "handover", HOME, 1), (cyd, "receive", HOME, -1), (cyd, "transit", HOME, -1),
        (cyd, "deliver", DOOR, -1),
    ):  # fmt: skip
        scanned_at = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
        await post.scan(who, letter, action, place, scanned_at=scanned_at)
    assert await post.states(letter) == ("delivered", "delivered")
    seen = await post.get(ada, letter)
    times = [datetime.fromisoformat(seen[f"{status}_at"]) for status in ("collected", "in_transit", "delivered")]
    assert begun <= times[0] <= times[1] <= times[2] <= datetime.now(UTC)
    assert {scan["result"] for who in (cat, cyd) for scan in await kept(post, who)} == {"applied"}


async def test_a_batch_of_a_phone_that_is_behind_keeps_the_order_of_its_own_clock(
    post: Post, ada: Person, ben: Person, cat: Person
) -> None:
    letter = await post.sealed(ada)
    await post.task(cat, letter, "accept")
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    scans = [
        {
            "code": letter["code"], "action": action, "op_code": place, "client_scan_id": action,
            "scanned_at": (hour_ago + timedelta(minutes=minute)).isoformat(),
        }
        for minute, action, place in ((3, "deliver", DOOR), (1, "collect", HOME), (2, "transit", HOME))
    ]  # fmt: skip
    done = await post.call(cat, "POST", "/couriers/scans", {"scans": scans})
    assert [one["result"] for one in done["items"]] == ["applied"] * 3
    assert await post.states(letter) == ("delivered", "delivered")


async def test_who_is_suspended_keeps_paper_and_takes_nothing_new(
    post: Post, ada: Person, ben: Person, cat: Person
) -> None:
    held, accepted, free = [await post.sealed(ada) for _ in range(3)]
    for letter in (held, accepted):
        await post.task(cat, letter, "accept")
    await post.scan(cat, held, "collect")
    await post.call(post.admin, "POST", f"/couriers/{cat.id}/suspend", {"reason": "ill"})
    await post.settled()
    assert [await post.states(letter) for letter in (held, accepted)] == [
        ("collected", "collected"), ("sealed", "available"),
    ]  # fmt: skip
    refused = await post.scan(cat, accepted, "collect", expect=403)
    assert (refused["from"], refused["to"]) == ("sealed", "collected")
    await post.task(cat, free, "accept", expect=404)
    cyd = await post.courier("cyd", "PK5F")
    await post.scan(cat, held, "handover", to=cyd.id)
    await post.scan(cyd, held, "receive")
    [load] = await post.sql("select open_tasks from courier_load where user_id = $1", cat.id)
    assert load["open_tasks"] == 0
