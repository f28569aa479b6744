"""``/api/system/``: what it shows, and to whom."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from actors.cursors import encode_cursor
from handlers.system import OPERATIONS
from tests.notification.house import until
from tests.system.house import ServedHouse
from tests.transport import IS_REDIS

SOMETHING = "00000000-0000-7000-8000-000000000000"


async def test_only_administrators_may_ask(house: ServedHouse) -> None:
    for operation in OPERATIONS:
        path = operation.path.format(letter_id=SOMETHING)
        assert (await house.call(operation.method, path, house.ada.token, expect=403))["code"] == "forbidden"
        assert (await house.call(operation.method, path, "", expect=401))["code"] == "unauthorized"


async def test_info_tells_what_runs(house: ServedHouse) -> None:
    info = await house.system("/info")

    assert info["house"] == "house" and info["transport"] == ("redis" if IS_REDIS else "memory") and info["version"]
    assert info["postgres"].partition(".")[0].isdigit()
    assert 0 < info["uptime_seconds"] < 600
    assert abs(datetime.fromisoformat(info["started_at"]) - datetime.now(UTC)) < timedelta(seconds=600)


async def test_actors_tells_the_figures_of_every_kind(house: ServedHouse) -> None:
    answer = await house.system("/actors")

    kinds = {one["kind"]: one for one in answer["items"]}
    assert {"account", "tasks", "inbox", "notifications", "system"} <= set(kinds)
    assert set(kinds["accounts"]) >= {
        "kind", "active", "depth", "oldest_seconds", "handled", "crashed", "restarts",
        "handler_p50_ms", "handler_p99_ms",
    }  # fmt: skip
    assert kinds["accounts"]["handled"] == 2 and kinds["accounts"]["handler_p50_ms"] > 0
    assert answer["degraded"] == []


async def test_houses_tells_who_is_alive(house: ServedHouse) -> None:
    await house.sql(
        "insert into house (name, incarnation, alive, lease_expires_at, started_at, address)"
        " values ('late', -1, true, now() - interval '1 s', now(), 'there')"
    )
    answer = await house.system("/houses?limit=1")
    [first] = answer["items"]
    assert (first["alive"], first["partitions"]) == (True, 256)

    [late] = (await house.system(f"/houses?cursor={answer['next_cursor']}"))["items"]
    assert (late["address"], late["alive"], late["partitions"]) == ("there", False, 0)  # its lease has run out


async def test_events_are_listed_newest_first_and_filtered(house: ServedHouse) -> None:
    task = await house.call("POST", "/tasks", house.ada.token, {"type": "x", "params": {}}, expect=201)
    await house.call("POST", f"/tasks/{task['id']}/cancel", house.ada.token)

    stream = (await house.system(f"/events?stream=task:{task['id']}"))["items"]
    assert [(event["n"], event["type"]) for event in stream] == [(2, "task.cancelled"), (1, "task.created")]
    assert stream[1]["body"]["task"]["id"] == task["id"] and stream[1]["caller"] == house.ada.id

    mine = (await house.system(f"/events?user_id={house.ada.id}&type=task.created"))["items"]
    assert [event["stream"] for event in mine] == [f"task:{task['id']}"]

    since = quote(stream[0]["at"])
    newest = (await house.system(f"/events?stream=task:{task['id']}&since={since}"))["items"]
    assert [event["type"] for event in newest] == ["task.cancelled"]
    assert (await house.system("/events?since=2100-01-01T00:00:00Z"))["items"] == []


@pytest.mark.parametrize("filters", ["", "&stream={stream}", "&user_id={user_id}"])
async def test_pages_of_events_hold_each_once_while_events_are_added(house: ServedHouse, filters: str) -> None:
    tasks = []
    for _ in range(4):
        tasks.append(await house.call("POST", "/tasks", house.ada.token, {"type": "x", "params": {}}, expect=201))
        await house.call("POST", f"/tasks/{tasks[-1]['id']}/cancel", house.ada.token)
    wanted = filters.format(stream=f"task:{tasks[0]['id']}", user_id=house.ada.id)
    before = {(event["stream"], event["n"]) for event in (await house.system(f"/events?limit=100{wanted}"))["items"]}
    seen: list[Any] = []
    cursor = ""
    while True:
        page = await house.system(f"/events?limit=3{wanted}{cursor}")
        seen += [(event["stream"], event["n"]) for event in page["items"]]
        await house.call("POST", "/tasks", house.ada.token, {"type": "x", "params": {}}, expect=201)
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert len(seen) == len(set(seen)) and before <= set(seen)


@pytest.mark.parametrize("path", ["/events", "/houses", "/dead-letters"])
@pytest.mark.parametrize(
    "key", [1.5, -1, ["x"], ["2026-01-01T00:00:00Z", "a\0b", 1], ["2026-01-01T00:00:00Z", "a", 2**63]]
)
async def test_a_cursor_from_elsewhere_is_refused(house: ServedHouse, path: str, key: Any) -> None:
    answer = await house.system(f"{path}?cursor={encode_cursor(key)}", expect=400)
    assert answer["code"] == "invalid_request"


async def test_config_tells_every_setting_and_no_secret(house: ServedHouse) -> None:
    items = {(one["section"], one["key"]): one for one in (await house.system("/config"))["items"]}

    assert items["task", "sweep_seconds"]["value"] == 1.0
    assert items["http", "port"]["source"] == "default"
    assert items["admin", "password"]["value"] == ""

    desk = house.house._core.surroundings
    config = desk.config
    desk.config = replace(config, admin=replace(config.admin, password="hunter2hunter2"))
    text = str((await house.system("/config"))["items"])
    assert "hunter2" not in text and "'***'" in text


async def test_logs_tells_the_newest_lines_that_fit(house: ServedHouse) -> None:
    await house.call("GET", "/tasks", house.ada.token)
    await house.call("GET", f"/tasks/{SOMETHING}", house.ada.token, expect=404)

    lines = (await house.system(f"/logs?user_id={house.ada.id}&event=http_request"))["items"]
    assert [line["status"] for line in lines][:2] == [404, 200]
    found = (await house.system(f"/logs?request_id={lines[0]['request_id']}"))["items"]
    assert [line["status"] for line in found] == [404]
    assert len((await house.system("/logs?limit=1"))["items"]) == 1
    assert (await house.system("/logs?since=2100-01-01T00:00:00Z"))["items"] == []
    assert all(line["level"] in {"error", "critical"} for line in (await house.system("/logs?level=error"))["items"])
    await house.system("/logs?level=loud", expect=400)


async def test_a_job_is_made_once_for_one_idempotency_key(house: ServedHouse) -> None:
    body = {"to": [house.ada.id], "title": "Hello"}
    first = await house.call("POST", "/notifications", house.admin.token, body, expect=202, key="k")
    again = await house.call("POST", "/notifications", house.admin.token, body, expect=202, key="k")
    assert first == again and set(first) == {"job_id"}
    await house.call("POST", "/notifications", house.admin.token, {**body, "title": "Else"}, expect=422, key="k")

    async def finished() -> bool:
        job = await house.call("GET", f"/notifications/jobs/{first['job_id']}", house.admin.token)
        return bool(job["status"] == "finished")

    await until(finished)
    entries = (await house.call("GET", "/notifications?type=system", house.ada.token))["items"]
    assert [entry["title"] for entry in entries] == ["Hello"]
    await house.call("POST", "/notifications", house.ada.token, body, expect=403)
    await house.call("GET", f"/notifications/jobs/{first['job_id']}", house.ada.token, expect=403)


async def test_an_inbox_over_http(house: ServedHouse) -> None:
    token = house.ada.token

    async def welcome() -> Any:
        return (await house.call("GET", "/notifications?unread=true", token))["items"]

    [entry] = await until(welcome)
    assert set(entry) == {"id", "type", "title", "body", "data", "priority", "created_at", "read_at"}
    assert await house.call("GET", "/notifications/unread-count", token) == {"count": 1}
    await house.call("PUT", f"/notifications/{entry['id']}/read", house.admin.token, expect=404)
    await house.call("PUT", f"/notifications/{entry['id']}/read", token, expect=204)
    assert await house.call("GET", "/notifications/unread-count", token) == {"count": 0}
    await house.call("PUT", "/notifications/read-all", token, expect=204)
    await house.call("DELETE", f"/notifications/{entry['id']}", house.admin.token, expect=404)
    await house.call("DELETE", f"/notifications/{entry['id']}", token, expect=204)
    await house.call("DELETE", f"/notifications/{entry['id']}", token, expect=404)
    wanted = {"quiet_hours": {"from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin"}}
    assert await house.call("PATCH", "/notifications/preferences", token, wanted) == {"types": {}, **wanted}
    assert await house.call("GET", "/notifications/preferences", token) == {"types": {}, **wanted}
    await house.call("PATCH", "/notifications/preferences", token, {"types": {"x": {"channels": ["fax"]}}}, expect=400)
