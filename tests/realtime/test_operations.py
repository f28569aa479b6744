"""``rpc`` and ``publish``: the house's operations over a socket."""

import pytest

from tests.realtime.conftest import RealtimeHouse
from tests.realtime.world import ALICE, CHAT, TASK


async def test_rpc_answers_with_the_operations_answer(house: RealtimeHouse) -> None:
    wire = await house.wire()
    reply = await wire.ask(rpc={"method": "task.get", "data": {"task_id": TASK}})
    assert reply["rpc"]["data"] == {"id": TASK, "owner": ALICE}


@pytest.mark.parametrize(
    ("method", "data", "code", "message"),
    [
        pytest.param("task.get", {"task_id": "x"}, 1404, "not_found: no such task", id="not found"),
        pytest.param("task.cancel", {}, 1409, "conflict: already completed", id="conflict"),
        pytest.param("task.get", {"task_id": TASK, "x": 1}, 1400, "invalid_request: ", id="unknown field"),
        pytest.param("task.get", [], 1400, "invalid_request: ", id="not an object"),
        pytest.param("no.such", {}, 104, "method not found", id="unknown method"),
        pytest.param("crash", {}, 100, "internal error", id="crash"),
    ],
)
async def test_rpc_errors(house: RealtimeHouse, method: str, data: object, code: int, message: str) -> None:
    wire = await house.wire()
    error = (await wire.ask(rpc={"method": method, "data": data}))["error"]
    assert error["code"] == code
    assert error["message"].startswith(message)
    assert "ping" in await wire.ask(ping={})


async def test_an_unknown_verb_is_an_unknown_method(house: RealtimeHouse) -> None:
    wire = await house.wire()
    assert (await wire.ask(sub_refresh={"channel": "x", "token": "y"}))["error"]["code"] == 104


async def test_publish_is_chat_send(house: RealtimeHouse) -> None:
    wire = await house.wire()
    data = {"kind": "text", "content": "hello"}
    assert (await wire.ask(publish={"channel": f"chat:{CHAT}", "data": data}))["publish"] == {}
    assert house.operations.sent == [(ALICE, CHAT, data)]
    elsewhere = await wire.ask(publish={"channel": f"task:{TASK}", "data": data})
    assert elsewhere["error"]["code"] == 103
    assert (await wire.ask(publish={"channel": f"chat:{CHAT}", "data": "text"}))["error"]["code"] == 107
