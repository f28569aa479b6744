"""A balancer says whose connection it is, before its first byte: who is trusted is believed, nobody else."""

import asyncio
import json
from typing import Any

import pytest

from handlers.introduction import read_line, write_line
from tests.edge.conftest import House, Start

ASK = b"GET /api/v1/people/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n"
LAST = ASK + b"Connection: close\r\n\r\n"
LINE = b"PROXY TCP4 203.0.113.9 127.0.0.1 51234 8080\r\n"


async def said(house: House, *pieces: bytes) -> tuple[int, list[Any]]:
    """The status of the first answer and every body, for bytes that come piece by piece; 0: the connection was cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0.02)
    try:
        text = (await asyncio.wait_for(reader.read(), 10)).decode()
    except ConnectionError:
        text = ""
    writer.close()
    bodies = [json.loads(part.partition("\r\n\r\n")[2]) for part in text.split("HTTP/1.")[1:]]
    return int(text.split(" ")[1]) if text else 0, bodies


@pytest.fixture
async def behind(start: Start) -> House:
    """A house that trusts this machine."""
    house: House = await start(trusted_proxies=["127.0.0.1"])
    return house


async def test_the_client_is_who_the_balancer_says_for_every_request_of_the_connection(behind: House) -> None:
    status, bodies = await said(behind, LINE + ASK + b"\r\n" + LAST)
    assert status == 200
    assert [body["address"] for body in bodies] == ["203.0.113.9"] * 2


async def test_the_line_may_come_byte_by_byte(behind: House) -> None:
    pieces = [LINE[i : i + 9] for i in range(0, len(LINE), 9)]
    assert (await said(behind, *pieces, LAST))[1][0]["address"] == "203.0.113.9"


async def test_behind_the_balancer_a_header_is_believed_only_from_another_trusted_proxy(behind: House) -> None:
    forged = LAST.replace(b"Host: x\r\n", b"Host: x\r\nX-Forwarded-For: 198.51.100.7\r\n")
    assert (await said(behind, LINE + forged))[1][0]["address"] == "203.0.113.9"
    nearer = LINE.replace(b"203.0.113.9", b"127.0.0.1")
    assert (await said(behind, nearer + forged))[1][0]["address"] == "198.51.100.7"


async def test_a_trusted_proxy_that_says_nothing_is_served_as_ever(behind: House) -> None:
    for pieces in ((LAST,), (LAST[:1], LAST[1:]), (b"PROXY UNKNOWN\r\n" + LAST,)):
        assert (await said(behind, *pieces))[1][0]["address"] == "127.0.0.1"


async def test_a_stranger_s_line_is_not_http(house: House) -> None:
    status, [problem] = await said(house, LINE + LAST)
    assert (status, problem["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "line",
    [
        b"PROXY TCP4 203.0.113.9 127.0.0.1 51234\r\n",
        b"PROXY TCP4 203.0.113.9.1 127.0.0.1 51234 8080\r\n",
        b"PROXY TCP6 203.0.113.9 127.0.0.1 51234 8080\r\n",
        b"PROXY TCP4 203.0.113.9 127.0.0.1 -1 8080\r\n",
        b"PROXY TCP4 203.0.113.9 127.0.0.1 99999 8080\r\n",
        b"PROXY UDP4 203.0.113.9 127.0.0.1 1 8080\r\n",
        b"PROXY \xff\r\n",
        b"PROXY " + b"x" * 200,
    ],
)
async def test_a_line_that_is_none_ends_the_connection(behind: House, line: bytes) -> None:
    assert await said(behind, line + LAST) == (0, [])


async def test_who_goes_before_the_line_is_whole_leaves_nothing_behind(behind: House) -> None:
    for _ in range(3):
        _, writer = await asyncio.open_connection("127.0.0.1", behind.port)
        writer.write(LINE[:20])
        await asyncio.sleep(0.02)
        writer.transport.abort()
    await asyncio.sleep(0.1)
    assert [task for task in asyncio.all_tasks() if "RequestHandler.start" in repr(task)] == []
    assert (await said(behind, LINE + LAST))[0] == 200


@pytest.mark.parametrize("client", [("203.0.113.9", 51234), ("2001:db8::1", 1)])
def test_what_is_written_is_read(client: tuple[str, int]) -> None:
    line = write_line(client, ("::1", 8080) if ":" in client[0] else ("127.0.0.1", 8080))
    assert line.endswith(b"\r\n") and read_line(line.removesuffix(b"\r\n")) == client
