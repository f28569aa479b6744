"""Whatever a client sends, the house answers or closes, and serves the others."""

import asyncio
import json
import logging

import pytest
from aiohttp import WSMsgType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.realtime.codes import BAD_REQUEST, Close, Ended
from handlers.realtime.commands import VERBS, decode
from tests.realtime.conftest import RealtimeHouse
from tests.realtime.world import ALICE, CHAT, TASK

CHANNELS = st.sampled_from([f"task:{TASK}", f"chat:{CHAT}", f"user:{ALICE}", "task:", "1", ""]) | st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CONTENT = st.fixed_dictionaries(
    {},
    optional={
        "channel": CHANNELS | JSON,
        "token": JSON,
        "recover": st.booleans() | JSON,
        "offset": st.integers() | JSON,
        "epoch": st.sampled_from(["life-1", ""]) | JSON,
        "flag": st.integers(0, 3) | JSON,
        "limit": st.integers(-5, 2**70) | JSON,
        "since": JSON,
        "data": JSON,
        "method": st.sampled_from(["task.get", "crash"]) | JSON,
    },
)
COMMAND = st.fixed_dictionaries(
    {"id": st.integers(1, 99) | JSON}, optional=dict.fromkeys((*VERBS, "unknown"), CONTENT | JSON)
)
FRAMES = st.lists(COMMAND | JSON, max_size=4).map(lambda lines: "\n".join(json.dumps(line) for line in lines))


@given(st.binary(max_size=200) | FRAMES.map(str.encode))
def test_decoding_gives_commands_or_a_bad_request(frame: bytes) -> None:
    try:
        commands = decode(frame)
    except Ended as ended:
        close: Close | None = ended.close
        commands = []
    else:
        close = None
    assert bool(commands) is (close is None)
    assert close in {None, BAD_REQUEST}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=st.lists(FRAMES | st.text(max_size=50), min_size=1, max_size=4))
async def test_any_frame_is_answered_or_closes_with_a_known_code(
    house: RealtimeHouse, caplog: pytest.LogCaptureFixture, frames: list[str]
) -> None:
    caplog.set_level(logging.CRITICAL)  # the operation `crash` logs what it is told to do
    house.operations.sent.clear()
    wire = await house.wire()
    for frame in frames:
        if not wire.socket.closed:
            await wire.socket.send_str(frame)
    if not wire.socket.closed:
        await wire.send({"id": 1_000_000, "ping": {}})
    while True:
        message = await asyncio.wait_for(wire.socket.receive(), 5)
        if message.type is not WSMsgType.TEXT:
            assert wire.socket.close_code in {3500, 3501, 3505}
            break
        lines = [json.loads(line) for line in message.data.split("\n")]
        assert all(isinstance(line, dict) for line in lines)
        if lines[-1].get("id") == 1_000_000:
            break
    await wire.close()
    async with asyncio.timeout(5):
        while house.realtime.statistics().connections:
            await asyncio.sleep(0.001)
    assert house.realtime.statistics().subscriptions == 0
