"""A client of a running house that does not read is sent away, and has everything when it comes back."""

from tests.realtime.test_slow_reader import stop_reading
from tests.realtime.wire import Wire
from tests.realtime_house.desk import Desk

TASKS, AT_ONCE, RESULT_CHARACTERS = 90, 10, 90_000


async def test_a_reader_that_stands_still_is_sent_away_and_recovers_everything(desk: Desk) -> None:
    ada = await desk.person()
    items = [{"type": ada.name, "params": {}} for _ in range(TASKS)]
    await desk.call("POST", "/tasks/batch", ada.headers, {"items": items})
    wanted = {"types": [ada.name], "max": TASKS, "lease_seconds": 600}
    tasks = (await desk.call("POST", "/tasks/lease", desk.house.admin, wanted))["tasks"]
    slow = await _connect(desk, ada.token)
    stood = {}
    for task in tasks:
        channel = f"task:{task['id']}"
        stood[channel] = (await slow.ask(subscribe={"channel": channel}))["subscribe"]
    transport = stop_reading(slow, 262_144)

    result = "x" * RESULT_CHARACTERS
    ends = [{"id": task["id"], "lease": task["lease"], "result": result} for task in tasks]
    for first in range(0, TASKS, AT_ONCE):
        part = {"items": ends[first : first + AT_ONCE]}
        settled = await desk.call("POST", "/tasks/settle", desk.house.admin, part)
        assert {item["status"] for item in settled["items"]} == {"completed"}
    transport.resume_reading()
    assert await slow.end() == 3008

    back = await _connect(desk, ada.token)
    for channel, position in stood.items():
        recover = {"recover": True, "epoch": position["epoch"], "offset": position["offset"]}
        answer = (await back.ask(subscribe={"channel": channel, **recover}))["subscribe"]
        assert answer["recovered"]
        assert [publication["data"]["task"]["result"] for publication in answer["publications"]] == [result]


async def _connect(desk: Desk, token: str) -> Wire:
    wire = await Wire.open(desk.socket_url)
    assert "connect" in await wire.ask(connect={"token": token})
    return wire
