"""What the HTTP edge does about bugs, slow and rude clients, over real sockets."""

import asyncio
import contextlib
import json
from io import BytesIO
from typing import Any

import pytest
from aiohttp import web

from handlers.server import Runner
from tests.edge.calls import HEAD, JSON, call, raw_answer
from tests.edge.conftest import House, Start


async def test_a_bug_is_an_opaque_500_and_its_traceback_is_logged(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    answer, problem = await call(house, "POST", "/crash", "admin")
    assert (answer.status, problem["code"]) == (500, "internal")
    assert "secret" not in json.dumps(problem)
    assert "the secret of the house" in caplog.text


async def test_an_answer_that_does_not_come_in_time_is_504(house: House) -> None:
    answer, problem = await call(house, "POST", "/wait", None)
    assert (answer.status, problem["code"]) == (504, "timeout")


async def test_a_dripping_body_is_cut_off_with_408(start: Start) -> None:
    house: House = await start(body_timeout_seconds=0.2)
    answer = await raw_answer(house, HEAD + b"Content-Length: 100\r\n\r\n{")
    assert answer.startswith("HTTP/1.1 408")
    assert '"code":"request_timeout"' in answer


async def test_a_client_that_goes_away_is_no_bug_of_ours(house: House) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(HEAD + b"Content-Length: 100\r\n\r\n{")
    await asyncio.sleep(0.05)
    writer.close()
    async with asyncio.timeout(5):
        while not house.seen:
            await asyncio.sleep(0.01)
    assert house.seen[0][2] == 400


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (HEAD + b"Expect: 100-continue\r\nContent-Length: 99999\r\n\r\n", 413),
        (HEAD + b"Expect: much\r\nContent-Length: 9\r\n\r\n", 400),
        (b"this is not HTTP\r\n\r\n", 400),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 9_000 + b"\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nzzzz", 400),
    ],
    ids=["expect too much", "expect the unknown", "no HTTP", "long line", "long header", "bad chunk", "bad gzip"],
)
async def test_what_is_hardly_http_is_answered_with_a_problem_document(house: House, data: bytes, status: int) -> None:
    answer = await raw_answer(house, data)
    assert answer.split(" ", 2)[1] == str(status), answer
    assert "application/problem+json" in answer


async def test_a_client_that_asks_first_may_send(house: House) -> None:
    answer, _ = await call(house, "POST", "/notes", json={"text": "a"}, expect100=True)
    assert answer.status == 201


async def test_a_client_that_asks_first_and_may_not_is_told_before_it_sends(house: House) -> None:
    asking = b"POST /api/v1/notes HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
    answer = await raw_answer(house, asking)
    assert answer.startswith("HTTP/1.1 401 ")
    assert "RateLimit-Remaining: " in answer
    assert "Connection: close" in answer
    assert house.seen[-1][:3] == ("POST", "/api/v1/notes", 401)


async def test_ten_megabytes_are_413(house: House) -> None:
    answer, problem = await call(house, "POST", "/notes", data=BytesIO(b"x" * 10_000_000), headers=JSON)
    assert (answer.status, problem["code"]) == (413, "too_large")


async def test_a_chunked_body_over_the_limit_is_413(house: House) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 1_000

    answer, _ = await call(house, "POST", "/notes", data=chunks(), headers=JSON)
    assert answer.status == 413


async def test_who_comes_when_the_house_is_full_is_cut_off_and_the_others_are_served() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="here")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = Runner(app, max_connections=2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        inside = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await asyncio.sleep(0.05)
        late_reader, late = await asyncio.open_connection("127.0.0.1", port)
        late.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(late_reader.read(), 2) == b""
        for reader, writer in inside:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b"here" in await asyncio.wait_for(reader.read(), 2)
            writer.close()
        late.close()
    finally:
        await runner.cleanup()
