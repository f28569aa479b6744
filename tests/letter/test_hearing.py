"""Who hears of letters, what ends with people, and what `verify`, the figures and the retention make of all of it."""

from datetime import UTC, datetime, timedelta

from app.tallies import check_letters
from tests.courier.rows import load_of
from tests.letter.house import DOOR, Post, heard
from tests.letter.test_seen import carry
from tests.notification.house import until
from tests.system.house import Person


async def wrong(post: Post) -> list[str]:
    return [found.what async for found in check_letters(post.core.kinds.letters) if found is not None]


async def test_both_hear_of_every_move(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada, recipient="ben")
    assert await post.titles(ben) == []
    await carry(post, cat, letter)
    await post.get(ben, letter)
    assert await post.titles(ada) == [
        f"Your letter “Tea?” {words}"
        for words in (
            "is sealed, and waits for a courier", "was collected", "is in transit", "was delivered", "was read"
        )
    ]  # fmt: skip
    assert await post.titles(ben) == [
        f"A letter for you {words}" for words in ("was collected", "is in transit", "was delivered", "was read")
    ]


async def test_a_suspended_courier_loses_what_they_do_not_hold(
    post: Post, ada: Person, ben: Person, cat: Person
) -> None:
    accepted, collected = await post.sealed(ada), await post.sealed(ada)
    for letter in (accepted, collected):
        await post.task(cat, letter, "accept")
    await post.scan(cat, collected, "collect")
    await post.call(post.admin, "POST", f"/couriers/{cat.id}/suspend", {"reason": "On leave"})

    async def is_free() -> bool:
        return await post.states(accepted) == ("sealed", "available")

    await until(is_free)
    assert await post.states(collected) == ("collected", "collected")
    assert (await load_of(post.dsn, cat.id))["open_tasks"] == 1
    await post.task(cat, accepted, "accept", expect=404)  # nothing concerns who is not active
    taker = await post.courier("dan", "PK5F", "QH7A")
    await post.scan(cat, collected, "handover", to=taker.id)
    await post.scan(taker, collected, "receive")
    assert await wrong(post) == []


async def test_what_nobody_has_collected_ends_with_its_writer(
    post: Post, ada: Person, ben: Person, cat: Person
) -> None:
    draft, sealed, carried = await post.draft(ada), await post.sealed(ada), await post.sealed(ada, recipient="ben")
    await post.task(cat, sealed, "accept")
    await carry(post, cat, carried)
    await post.call(ada, "DELETE", "/users/me", expect=204)

    async def are_gone() -> bool:
        rows = await post.sql("select id from letter")
        return [row["id"] for row in rows] == [carried["id"]]

    await until(are_gone)
    assert draft["id"] != sealed["id"]
    seen = await post.get(ben, carried)
    assert (seen["sender"], seen["content"]) == (None, "Come at five.")
    assert (await load_of(post.dsn, cat.id))["open_tasks"] == 0
    assert "A letter that you would have carried was taken back" in await post.titles(cat)


async def test_verify_finds_what_does_not_agree(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada)
    await carry(post, cat, letter)
    assert await wrong(post) == []
    await post.sql("update letter set status = 'collected' where id = $1", letter["id"])
    assert await wrong(post) == ["the letter is collected, its task delivered"]
    assert [found.stream for found in await post.differences()] == [f"letter:{letter['id']}"]
    await post.sql("update letter set status = 'delivered' where id = $1", letter["id"])
    await post.sql("update letter_reads set count = 3 where letter_id = $1", letter["id"])
    await post.sql("update courier_load set open_tasks = 2 where user_id = $1", cat.id)
    assert await wrong(post) == ["3 readers are kept, 0 are there", "2 open tasks are kept, 0 are held"]


async def test_administrators_see_figures(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    delivered, waiting = await post.sealed(ada), await post.sealed(ada)
    await carry(post, cat, delivered)
    stats = await post.call(post.admin, "GET", "/letters/stats")
    [day] = stats["by_day"]
    assert (day["day"], day["sealed"], day["delivered"]) == (datetime.now(UTC).date().isoformat(), 2, 1)
    assert stats["by_status"] == {"delivered": 1, "sealed": 1}
    assert [(one["school"], one["sealed"], one["delivered"]) for one in stats["by_school"]] == [("PK", 2, 1)]
    assert stats["delivery_seconds"]["delivered"] == 1 and stats["delivery_seconds"]["p50"] > 0
    await post.call(ada, "GET", "/letters/stats", expect=403)
    past = (datetime.now(UTC) - timedelta(days=900)).isoformat().replace("+00:00", "Z")
    await post.call(post.admin, "GET", f"/letters/stats?since={past}", expect=400)
    assert waiting["status"] == "sealed"


async def test_old_scans_are_forgotten_and_the_timeline_stays(
    post: Post, ada: Person, ben: Person, cat: Person
) -> None:
    letter = await post.sealed(ada)
    await carry(post, cat, letter)
    store, now = post.core.kinds.deliveries, datetime.now(UTC)
    assert await store.delete_scans(now - timedelta(days=1), 100) == 0
    assert await store.delete_scans(now + timedelta(days=1), 2) == 2
    assert await store.delete_scans(now + timedelta(days=1), 2) == 1
    assert len((await post.get(ada, letter, "/track"))["items"]) == 6
    assert letter["to_op_code"] == DOOR


async def test_couriers_of_a_territory_hear_of_new_work(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    wire = await post.listen(cat, "courier:PK5F")
    letter = await post.sealed(ada)
    told = await heard(wire, "courier:PK5F")
    assert (told["type"], told["task"]["letter_id"], told["task"]["status"]) == (
        "delivery.offered",
        letter["id"],
        "available",
    )
    assert (told["task"]["from_op_code"], told["task"]["to_op_code"]) == ("PK5F21", "QH7A**")
    await post.task(cat, letter, "accept")
    told = await heard(wire, "courier:PK5F")
    assert (told["type"], told["step"], told["task"]["courier_id"]) == ("delivery.changed", "accepted", cat.id)
