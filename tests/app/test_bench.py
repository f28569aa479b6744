"""The benchmarks' own parts: a client that reads answers right, and tables that do not flatter."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvloop
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench.client import Connection, Refused
from bench.peers import find, median, ratios


async def echo(request: web.Request) -> web.Response:
    answer = {"path": request.path, "token": request.headers.get("Authorization"), "body": await request.text()}
    return web.json_response(answer, status=201 if request.method == "POST" else 200)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    app = web.Application(client_max_size=10**7)
    app.router.add_route("*", "/{path:.*}", echo)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


async def test_a_connection_is_used_again_and_sends_its_token(url: str) -> None:
    connection = await Connection.open(url, "t")
    for number in range(3):
        answer = await connection.json("POST", f"/tasks/{number}", {"n": number}, expect=201)
        assert answer == {"path": f"/tasks/{number}", "token": "Bearer t", "body": f'{{"n": {number}}}'}
    connection.close()


def test_the_client_works_on_uvloop() -> None:
    async def scenario() -> int:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", echo)
        async with TestServer(app) as server:
            connection = await Connection.open(str(server.make_url("")).rstrip("/"))
            return len(await connection.call("GET", "/"))

    assert uvloop.run(scenario()) > 0


async def test_an_answer_in_many_pieces_is_read_whole(url: str) -> None:
    connection = await Connection.open(url)
    assert len((await connection.json("POST", "/", "x" * 10**6, expect=201))["body"]) == 10**6 + 2
    connection.close()


async def test_another_status_is_an_error(url: str) -> None:
    connection = await Connection.open(url)
    with pytest.raises(Refused, match="answered 200"):
        await connection.call("GET", "/", expect=201)
    connection.close()


async def test_an_ended_connection_is_an_error_and_not_a_hang(url: str) -> None:
    connection = await Connection.open(url)
    connection.close()
    with pytest.raises(ConnectionError):
        await connection.call("GET", "/")


def test_a_run_with_refused_requests_voids_the_row() -> None:
    assert median([{"rate": 3, "bad": 0}, {"rate": 1, "bad": 0}, {"rate": 2}], "rate") == 2
    assert median([{"rate": 3, "bad": 1}, {"rate": 1, "bad": 0}], "rate") is None
    assert median([{"error": "no"}], "rate") is None


def test_ratios_are_of_medians_and_failures_are_dashes() -> None:
    tests = {
        "get": {"product": [{"rate": 30}, {"rate": 10}, {"rate": 20}], "slow": [{"rate": 8}], "dead": [{"error": ""}]}
    }
    table = ratios(tests, "rate")
    assert "| slow | 2.50 |" in table and "| dead | - |" in table


def test_without_the_peers_it_says_where_to_name_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("POSTHOUSE_PEERS", raising=False)
    with pytest.raises(SystemExit, match="POSTHOUSE_PEERS"), find(None):
        pass
    with pytest.raises(SystemExit, match="--peers"), find(str(tmp_path)):
        pass
