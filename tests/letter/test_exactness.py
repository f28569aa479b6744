"""What comes at once, twice, late or in any order has the effect that it should have, once."""

import asyncio
import random
from typing import Any

import pytest

from actors.errors import DomainError
from actors.messages.delivery import Accept
from actors.runtime.message import Caller
from tests.courier.rows import insert_courier, load_of
from tests.letter.house import DOOR, HOME, Post
from tests.system.house import Person

COURIERS = 50


async def accept(post: Post, courier_id: str, letter: dict[str, Any]) -> str:
    message = Accept(letter_id=letter["id"], task_id=letter["task_id"])
    try:
        await post.served.refs("letter", letter["id"]).ask(message, Caller(user_id=courier_id, role="user"), 30)
    except DomainError as error:
        return error.code
    return "won"


async def test_of_fifty_couriers_who_accept_at_once_one_wins(post: Post, ada: Person, ben: Person) -> None:
    couriers = [await insert_courier(post.dsn) for _ in range(COURIERS)]
    letter = await post.sealed(ada)

    answers = await asyncio.gather(*(accept(post, courier, letter) for courier in couriers))

    assert sorted(answers) == ["conflict"] * (COURIERS - 1) + ["won"]
    loads = [(await load_of(post.dsn, courier))["open_tasks"] for courier in couriers]
    assert loads == [int(answer == "won") for answer in answers]
    assert await post.states(letter) == ("sealed", "accepted")


async def test_a_day_has_as_many_tasks_as_it_has(post: Post, ada: Person, ben: Person) -> None:
    courier = await insert_courier(post.dsn, limit=3)
    letters = [await post.sealed(ada) for _ in range(8)]

    answers = await asyncio.gather(*(accept(post, courier, letter) for letter in letters))

    assert sorted(answers) == ["forbidden"] * 5 + ["won"] * 3
    assert (await load_of(post.dsn, courier))["accepted_today"] == 3


async def test_the_same_scan_has_one_effect(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada)
    await post.task(cat, letter, "accept")

    answers = await asyncio.gather(*(post.scan(cat, letter, "collect", client_scan_id="once") for _ in range(10)))

    assert sorted(answer["result"] for answer in answers) == ["applied"] + ["repeated"] * 9
    assert {answer["status"] for answer in answers} == {"collected"}
    [kept] = (await post.call(cat, "GET", "/couriers/scans"))["items"]
    assert (kept["client_scan_id"], kept["result"], kept["action"]) == ("once", "applied", "collect")
    told = await post.sql("select from event where stream = $1 and type = 'letter.moved'", f"letter:{letter['id']}")
    assert len(told) == 2  # sealed, collected
    assert (await post.scan(cat, letter, "fail", client_scan_id="once", expect=422))["code"] == "unprocessable"


async def test_a_refused_scan_is_refused_again_and_kept_once(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada)
    answers = await asyncio.gather(
        *(post.scan(cat, letter, "collect", client_scan_id="early", expect=403) for _ in range(10))
    )
    assert {(answer["from"], answer["to"]) for answer in answers} == {("sealed", "collected")}
    await post.task(cat, letter, "accept")
    again = await post.scan(cat, letter, "collect", client_scan_id="early", expect=403)  # it has been answered
    assert (again["code"], again["detail"]) == (answers[0]["code"], answers[0]["detail"])
    [kept] = (await post.call(cat, "GET", "/couriers/scans"))["items"]
    assert (kept["result"], kept["refusal"]["code"]) == ("refused", "forbidden")


def batch(letters: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """A morning without network, in the order of its times; the phone's clock is an hour ahead."""
    scans = []
    for step, (action, place) in enumerate([("collect", HOME), ("transit", HOME), ("deliver", DOOR), ("fail", DOOR)]):
        for which, letter in enumerate(letters):
            scans.append(
                {
                    "code": letter["code"], "action": action, "op_code": place,
                    "client_scan_id": f"b{number}-{step}-{which}",
                    "scanned_at": f"2030-01-01T{9 + step:02}:{which:02}:00Z",
                }
            )  # fmt: skip
    return scans


@pytest.mark.parametrize("seed", [1, 2])
async def test_an_offline_batch_in_any_order_ends_as_in_the_order_of_time(
    post: Post, ada: Person, ben: Person, cat: Person, seed: int
) -> None:
    ends = []
    for number in (0, seed):
        letters = [await post.sealed(ada) for _ in range(3)]
        for letter in letters[:2]:  # nobody has taken the third
            await post.task(cat, letter, "accept")
        scans = batch(letters, number)
        if number:
            random.Random(seed).shuffle(scans)
        done = await post.call(cat, "POST", "/couriers/scans", {"scans": scans})
        assert [one["client_scan_id"] for one in done["items"]] == [one["client_scan_id"] for one in scans]
        by_name = {one["client_scan_id"].split("-", 1)[1]: one for one in done["items"]}
        ends.append({name: (one["result"], (one["refusal"] or {}).get("code")) for name, one in by_name.items()})
        assert [await post.states(letter) for letter in letters] == [
            ("delivered", "delivered"), ("delivered", "delivered"), ("sealed", "available")
        ]  # fmt: skip
        again = await post.call(cat, "POST", "/couriers/scans", {"scans": scans})
        assert [one["result"] == "refused" for one in again["items"]] == [
            one["result"] == "refused" for one in done["items"]
        ]
    assert ends[0] == ends[1]
    assert ends[0]["0-0"] == ("applied", None) and ends[0]["3-0"] == ("refused", "conflict")
    assert ends[0]["0-2"] == ("refused", "forbidden")
    late = await post.sql("select from letter where delivered_at > now()")
    assert late == []  # what a phone believes dates nothing


async def test_what_a_scanner_reads_is_understood(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada)
    await post.task(cat, letter, "accept")
    code: str = letter["code"]
    shown = {**letter, "code": f" {code[:4].lower()}-{code[4:8]} {code[8:].lower()} "}
    assert (await post.scan(cat, shown, "collect", "pk 5f-21"))["status"] == "collected"

    hint = await post.scan(cat, {**letter, "code": f"{code[:11]}0"}, "transit", expect=400)
    assert "no 0, O, 1, I or L" in hint["detail"] and "character 12" in hint["detail"]
    await post.scan(cat, {**letter, "code": "OP2222222222"}, "transit", expect=404)
    await post.scan(cat, letter, "transit", "PK5", expect=400)
    elsewhere = await post.scan(cat, letter, "transit", "ZZ1A22", expect=403)
    assert elsewhere["detail"] == "ZZ1A** is not in your territory"
    assert await post.states(letter) == ("collected", "collected")
    kept = (await post.call(cat, "GET", "/couriers/scans"))["items"]
    assert [scan["result"] for scan in kept] == ["refused"] * 4 + ["applied"]


async def test_who_is_no_courier_moves_nothing_and_is_kept(post: Post, ada: Person, ben: Person) -> None:
    letter = await post.sealed(ada)
    refused = await post.scan(ben, letter, "collect", expect=403)
    assert (refused["from"], refused["to"]) == ("sealed", "collected")
    [kept] = (await post.call(post.admin, "GET", f"/couriers/scans?letter_id={letter['id']}"))["items"]
    assert (kept["courier_id"], kept["result"]) == (ben.id, "refused")
    await post.call(ben, "GET", f"/couriers/scans?letter_id={letter['id']}", expect=403)


async def test_a_letter_is_delivered_at_its_own_door(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada)
    await post.task(cat, letter, "accept")
    for action in ("collect", "transit"):
        await post.scan(cat, letter, action)
    wrong = await post.scan(cat, letter, "deliver", HOME, expect=409)
    assert wrong["detail"] == "this letter goes to another door"
    await post.scan(cat, letter, "deliver", DOOR)
    load = await load_of(post.dsn, cat.id)
    assert (load["open_tasks"], load["delivered"], load["points"]) == (0, 1, 20)
