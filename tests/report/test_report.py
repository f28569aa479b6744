"""Reports: who may make one, that it is one, what it keeps, and who sees it."""

import asyncio
from typing import Any

import pytest

from actors.runtime.ids import uuid7
from tests.chat_arrivals.house import TalkingHouse
from tests.system.house import Person


def path(message: dict[str, Any]) -> str:
    return f"/chats/{message['chat_id']}/messages/{message['id']}/report"


async def report(
    house: TalkingHouse, who: Person, message: dict[str, Any], *, expect: int = 201, **body: Any
) -> dict[str, Any]:
    made: dict[str, Any] = await house.call("POST", path(message), who, {"reason": "abuse", **body}, expect=expect)
    return made


@pytest.fixture
async def insult(house: TalkingHouse, ada: Person, ben: Person) -> dict[str, Any]:
    """What Ben has said to Ada."""
    return await house.say(await house.direct(ada, ben), ben, "you are a goose")


async def test_a_report_keeps_the_message_as_it_was(
    house: TalkingHouse, ada: Person, ben: Person, insult: dict[str, Any]
) -> None:
    made = await report(house, ada, insult, comment="again")
    assert made == {
        "id": made["id"], "chat_id": insult["chat_id"], "message_id": insult["id"], "reason": "abuse",
        "comment": "again", "status": "open", "created_at": made["created_at"],
    }  # fmt: skip

    await house.call("DELETE", path(insult).removesuffix("/report"), ben, expect=204)

    seen = await house.call("GET", f"/reports/{made['id']}", house.admin)
    assert seen["message"] == insult
    assert (seen["reporter_id"], seen["status"], seen["handled_by"]) == (ada.id, "open", None)


async def test_the_same_person_reports_a_message_once(house: TalkingHouse, ada: Person, insult: dict[str, Any]) -> None:
    first = await report(house, ada, insult)
    assert await report(house, ada, insult, reason="spam", comment="other", expect=200) == first


async def test_reports_of_the_same_moment_are_one(house: TalkingHouse, ada: Person, insult: dict[str, Any]) -> None:
    async def once() -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {ada.token}"}
        body = {"reason": "spam"}
        async with house.served.http.post(f"/api/v1{path(insult)}", json=body, headers=headers) as answer:
            return answer.status, (await answer.json())["id"]

    answers = await asyncio.gather(*(once() for _ in range(8)))

    assert len({report_id for _, report_id in answers}) == 1
    assert sorted(status for status, _ in answers) == [200] * 7 + [201]
    assert len(await house.sql("select from report")) == 1


async def test_a_replayed_key_finds_the_report_of_the_first_time(
    house: TalkingHouse, ada: Person, insult: dict[str, Any]
) -> None:
    body = {"reason": "illegal"}
    first = await house.served.call("POST", path(insult), ada.token, body, expect=201, key="once")
    assert await house.served.call("POST", path(insult), ada.token, body, expect=201, key="once") == first


async def test_a_stranger_finds_no_message_to_report(
    house: TalkingHouse, ada: Person, cyd: Person, insult: dict[str, Any]
) -> None:
    elsewhere = await house.direct(ada, cyd)
    for message in (
        insult, {**insult, "chat_id": elsewhere}, {**insult, "id": uuid7()}, {**insult, "chat_id": uuid7()}
    ):  # fmt: skip
        await report(house, cyd, message, expect=404)
    await report(house, house.admin, insult, expect=404)
    assert await house.sql("select from report") == []


async def test_nobody_reports_what_they_have_said(house: TalkingHouse, ben: Person, insult: dict[str, Any]) -> None:
    assert (await report(house, ben, insult, expect=400))["code"] == "invalid_request"


@pytest.mark.parametrize("body", [{"reason": "boring"}, {"reason": None}, {"comment": "x" * 2_001}, {"status": "open"}])
async def test_a_report_that_does_not_fit_is_refused(
    house: TalkingHouse, ada: Person, insult: dict[str, Any], body: dict[str, Any]
) -> None:
    await report(house, ada, insult, expect=400, **body)


async def test_who_reported_is_seen_by_administrators_only(
    house: TalkingHouse, ada: Person, ben: Person, insult: dict[str, Any]
) -> None:
    made = await report(house, ada, insult)
    for who in (ada, ben):
        for method, where in (
            ("GET", "/reports"),
            ("GET", f"/reports/{made['id']}"),
            ("PATCH", f"/reports/{made['id']}"),
        ):
            await house.call(method, where, who, expect=403)
    assert "report" not in {kind for kind, _ in await house.titles(ben)}
    ear = await house.listen(ben)
    assert (await ear.ask(subscribe={"channel": f"report:{made['id']}"}))["error"]["code"] == 102


async def test_administrators_list_and_settle(house: TalkingHouse, ada: Person, ben: Person) -> None:
    chat_id = await house.group(ada, ben)
    made = [await report(house, ada, await house.say(chat_id, ben, str(number))) for number in range(3)]
    newest_first = [one["id"] for one in reversed(made)]
    page = await house.call("GET", "/reports?limit=2", house.admin)
    rest = await house.call("GET", f"/reports?limit=2&cursor={page['next_cursor']}", house.admin)
    assert [one["id"] for one in page["items"] + rest["items"]] == newest_first
    assert rest["next_cursor"] is None

    where = f"/reports/{made[0]['id']}"
    settled = await house.call("PATCH", where, house.admin, {"status": "dismissed", "note": "a joke"})
    assert (settled["status"], settled["note"], settled["handled_by"]) == ("dismissed", "a joke", house.admin.id)
    assert await house.call("PATCH", where, house.admin, {"note": "a joke"}) == settled

    dismissed = await house.call("GET", "/reports?status=dismissed", house.admin)
    opened = await house.call("GET", "/reports?status=open", house.admin)
    assert [one["id"] for one in dismissed["items"]] == [made[0]["id"]]
    assert [one["id"] for one in opened["items"]] == newest_first[:2]
    assert (await report(house, ada, settled["message"], expect=200))["status"] == "dismissed"
    assert (await house.call("PATCH", where, house.admin, {"status": "open"}))["status"] == "open"


async def test_all_that_happened_to_a_report_is_in_the_audit_log(
    house: TalkingHouse, ada: Person, insult: dict[str, Any]
) -> None:
    made = await report(house, ada, insult)
    await house.call("PATCH", f"/reports/{made['id']}", house.admin, {"status": "resolved"})

    events = (await house.served.system(f"/events?stream=report:{made['id']}"))["items"]

    assert [(event["type"], event["caller"]) for event in events] == [
        ("report.handled", house.admin.id), ("report.filed", ada.id)
    ]  # fmt: skip


async def test_the_house_takes_a_reported_message_back(
    house: TalkingHouse, ada: Person, ben: Person, insult: dict[str, Any]
) -> None:
    made = await report(house, ada, insult)
    where = f"/reports/{made['id']}/remove-message"
    await house.call("POST", where, ada, expect=403)

    settled = await house.call("POST", where, house.admin)

    assert (settled["status"], settled["handled_by"]) == ("resolved", house.admin.id)
    assert settled["message"] == insult
    [shown] = (await house.call("GET", f"/chats/{insult['chat_id']}/messages", ben))["items"]
    assert shown["content"] == "" and shown["recalled_at"] is not None
    assert await house.call("POST", where, house.admin) == settled


async def test_administrators_take_a_message_back_where_it_stands_too(
    house: TalkingHouse, ada: Person, insult: dict[str, Any]
) -> None:
    await house.call("DELETE", path(insult).removesuffix("/report"), house.admin, expect=204)
    made = await report(house, ada, insult)
    seen = await house.call("GET", f"/reports/{made['id']}", house.admin)
    assert seen["message"]["content"] == "" and seen["message"]["recalled_at"] is not None
    where = f"/events?stream=chat:{insult['chat_id']}&type=message.created"
    [sent] = (await house.served.system(where))["items"]
    assert sent["body"]["message"] == insult  # what it said is kept where administrators look


async def test_what_went_with_its_chat_is_no_obstacle(house: TalkingHouse, ada: Person, ben: Person) -> None:
    chat_id = await house.group(ben, ada)
    made = await report(house, ada, await house.say(chat_id, ben))
    await house.call("DELETE", f"/chats/{chat_id}", ben, expect=204)
    settled = await house.call("POST", f"/reports/{made['id']}/remove-message", house.admin)
    assert (settled["status"], settled["message"]["content"]) == ("resolved", "hello")


async def test_a_report_outlives_who_made_it(house: TalkingHouse, ada: Person, insult: dict[str, Any]) -> None:
    made = await report(house, ada, insult)
    await house.call("DELETE", "/users/me", ada, expect=204)
    assert (await house.call("GET", f"/reports/{made['id']}", house.admin))["reporter_id"] == ada.id


async def test_there_is_no_other_report(house: TalkingHouse) -> None:
    for method, suffix in (("GET", ""), ("PATCH", ""), ("POST", "/remove-message")):
        await house.call(method, f"/reports/{uuid7()}{suffix}", house.admin, expect=404)
