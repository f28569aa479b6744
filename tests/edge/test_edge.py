"""What the HTTP edge answers, over real sockets."""

import asyncio
import contextlib
import json
from io import BytesIO
from typing import Any

import pytest
from aiohttp import web

from handlers.rate_limit import LimitSettings
from handlers.server import Runner
from tests.edge.conftest import ALICE, House, Start

JSON = {"Content-Type": "application/json"}
HEAD = (
    b"POST /api/v1/notes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    b"Authorization: Bearer alice\r\nContent-Type: application/json\r\n"
)
NOBODY = "0198b7a0-0000-7000-8000-0000000000ff"


async def call(house: House, method: str, path: str, token: str | None = "alice", **options: Any) -> tuple[Any, Any]:
    headers = {**(house.as_(token) if token else {}), **options.pop("headers", {})}
    async with house.http.request(method, f"/api/v1{path}", headers=headers, **options) as answer:
        raw = await answer.read()
        return answer, json.loads(raw) if raw else None


async def raw_answer(house: House, data: bytes) -> str:
    """Send bytes as they are and return all that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(data)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer.decode()


async def test_a_note_is_made_shown_listed_changed_and_ended(house: House) -> None:
    made, note = await call(house, "POST", "/notes", json={"text": "hello", "params": {"width": 3}})
    assert made.status == 201
    assert note["params"] == {"width": 3}
    assert note["created_at"].endswith("Z")

    assert (await call(house, "GET", f"/notes/{note['id']}"))[1] == note
    assert (await call(house, "GET", "/notes?limit=1&tag=hello&tag=other&loud=true"))[1]["items"] == [note]
    for method in ("PATCH", "PUT"):
        changed, now = await call(house, method, f"/notes/{note['id']}", json={"text": method})
        assert (changed.status, now["text"]) == (200, method)
    ended, nothing = await call(house, "DELETE", f"/notes/{note['id']}")
    assert (ended.status, nothing) == (204, None)
    assert "Content-Type" not in ended.headers
    assert (await call(house, "GET", f"/notes/{note['id']}"))[0].status == 404


async def test_every_answer_carries_the_headers_that_keep_it_private_and_traceable(house: House) -> None:
    answer, _ = await call(house, "GET", "/notes", headers={"X-Request-ID": "mine-1"})
    assert answer.headers["X-Request-ID"] == "mine-1"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert int(answer.headers["RateLimit-Remaining"]) < int(answer.headers["RateLimit-Limit"])
    assert house.seen == [("GET", "/api/v1/notes", 200, ALICE, "mine-1")]


@pytest.mark.parametrize("given", ["x" * 65, "with space", "uml\xe4ut"])
async def test_an_unfit_request_id_is_replaced(house: House, given: str) -> None:
    answer, _ = await call(house, "GET", "/notes", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] not in ("", given)


async def test_a_trace_goes_on_with_a_span_of_our_own(house: House) -> None:
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    answer, _ = await call(house, "GET", "/notes", headers={"traceparent": f"00-{trace}-{span}-01"})
    version, ours, our_span, flags = answer.headers["traceparent"].split("-")
    assert (version, ours, flags) == ("00", trace, "01")
    assert our_span != span
    broken, _ = await call(house, "GET", "/notes", headers={"traceparent": "00-zz-1-01"})
    assert broken.status == 200
    assert "traceparent" not in broken.headers


async def test_a_trace_ends_with_its_request_though_the_connection_goes_on(house: House) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    for headers in ({"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}, {}):
        await call(house, "GET", "/notes", headers=headers)
    traced, untraced = house.notes.traces
    assert trace in traced
    assert untraced == ""


REFUSALS = [
    pytest.param("POST", "/notes", {"json": {"text": "a", "x": 1}}, 400, "$.x", id="unknown field"),
    pytest.param("POST", "/notes", {"json": {}}, 400, "$.text", id="missing field"),
    pytest.param("POST", "/notes", {"json": {"text": 1}}, 400, "$.text", id="wrong type"),
    pytest.param("POST", "/notes", {"json": {"text": "a", "priority": 10}}, 400, "$.priority", id="out of range"),
    pytest.param("POST", "/notes", {"json": ["a"]}, 400, "$", id="not an object"),
    pytest.param("POST", "/notes", {"json": {"text": "a\0"}}, 400, "$.text", id="NUL"),
    pytest.param(
        "POST", "/notes", {"json": {"text": "a", "params": {"b": ["\0"]}}}, 400, "$.params.b[0]", id="NUL deep"
    ),
    pytest.param("POST", "/notes", {"json": {"text": "a", "params": {"\0": 1}}}, 400, "$.params", id="NUL in a name"),
    pytest.param("POST", "/notes", {"data": b'{"text":"a\0"}'}, 400, "$", id="raw NUL"),
    pytest.param("POST", "/notes", {"data": b'{"text":"\\ud800"}'}, 400, "$", id="lone surrogate"),
    pytest.param("POST", "/notes", {"data": b'{"text":"a","params":{"a":NaN}}'}, 400, "$", id="NaN"),
    pytest.param("POST", "/notes", {"data": b'{"text":"a","params":{"a":1e999}}'}, 400, "$.params[...]", id="infinity"),
    pytest.param("POST", "/notes", {"data": b'{"text":"\xff"}'}, 400, "$", id="not UTF-8"),
    pytest.param("POST", "/notes", {"data": b'{"text":'}, 400, "$", id="half JSON"),
    pytest.param("POST", "/notes", {"data": b'{"text":"a"} {}'}, 400, "$", id="more than JSON"),
    pytest.param(
        "POST", "/notes", {"data": b'{"text":"a","params":{"a":' + b"[" * 32 + b"]" * 32 + b"}}"}, 400, "$", id="deep"
    ),
    pytest.param("POST", "/notes", {"data": b"[" * 9_000}, 400, "$", id="deep and open"),
    pytest.param("POST", "/notes", {"data": b""}, 400, "$", id="no body"),
    pytest.param("POST", "/notes?text=b", {"json": {"text": "a"}}, 400, "$.text", id="query beside a body"),
    pytest.param("GET", "/notes?limit=0", {}, 400, "$.limit", id="limit too small"),
    pytest.param("GET", "/notes?limit=x", {}, 400, "$.limit", id="limit no number"),
    pytest.param("GET", "/notes?x=1", {}, 400, "$.x", id="unknown parameter"),
    pytest.param("GET", "/notes?limit=1&limit=2", {}, 400, "$.limit", id="repeated parameter"),
    pytest.param("GET", "/notes?since=0.5", {}, 400, "$.since", id="a number for a moment"),
    pytest.param("GET", "/notes?since=2026-02-30T00:00:00Z", {}, 400, "$.since", id="no such day"),
    pytest.param("GET", "/notes?since=0001-01-01T00:00:00%2B14:00", {}, 400, "$.since", id="before UTC's first year"),
    pytest.param("GET", "/notes?since=9999-12-31T23:59:59.999999Z", {}, 400, "$.since", id="PostgreSQL's infinity"),
    pytest.param("GET", "/notes?since=9999-12-31T23:59:59-23:59", {}, 400, "$.since", id="after UTC's last year"),
    pytest.param("GET", "/notes?tag=%00", {}, 400, "$.tag", id="NUL in the query"),
    pytest.param("GET", "/notes?cursor=zz", {}, 400, "$.cursor", id="bad cursor"),
    pytest.param("GET", "/notes/a%00b", {}, 400, "$.note_id", id="NUL in the path"),
    pytest.param("GET", "/notes/42", {}, 404, None, id="malformed id"),
    pytest.param("GET", "/notes/%ff", {}, 404, None, id="id not UTF-8"),
    pytest.param("GET", f"/notes/{NOBODY}", {}, 404, None, id="unknown id"),
    pytest.param("GET", "/nowhere", {}, 404, None, id="unknown path"),
    pytest.param("POST", "/notes", {"data": b"x" * 10_001}, 413, None, id="too large"),
    pytest.param("POST", "/notes", {"json": {"text": "taken"}}, 409, None, id="conflict"),
]


@pytest.mark.parametrize(("method", "path", "options", "status", "where"), REFUSALS)
async def test_refusals(
    house: House, method: str, path: str, options: dict[str, Any], status: int, where: str | None
) -> None:
    answer, problem = await call(house, method, path, headers=JSON if "data" in options else {}, **options)
    assert answer.status == status, problem
    assert answer.content_type == "application/problem+json"
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert {"type", "title", "detail", "code"} <= problem.keys()
    if where is not None:
        assert [fault["path"] for fault in problem["errors"]] == [where], problem
    assert house.notes.made == 0


async def test_text_that_only_looks_like_an_escaped_nul_is_let_in(house: House) -> None:
    answer, note = await call(house, "POST", "/notes", data=rb'{"text":"C:\\u0000"}', headers=JSON)
    assert (answer.status, note["text"]) == (201, r"C:\u0000")


async def test_brackets_inside_text_are_not_depth(house: House) -> None:
    answer, _ = await call(house, "POST", "/notes", json={"text": '[{"' * 100, "params": {"a": [{}] * 100}})
    assert answer.status == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
async def test_a_body_that_is_not_declared_as_json_is_415(house: House, kind: str) -> None:
    answer, problem = await call(house, "POST", "/notes", data=b'{"text":"a"}', headers={"Content-Type": kind})
    assert (answer.status, problem["code"]) == (415, "unsupported_media_type")


async def test_the_charset_may_be_named(house: House) -> None:
    kind = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert (await call(house, "POST", "/notes", data=b'{"text":"a"}', headers=kind))[0].status == 201


async def test_a_conflict_tells_from_where_to_where(house: House) -> None:
    _, problem = await call(house, "POST", "/notes", json={"text": "taken"})
    assert (problem["from"], problem["to"], problem["detail"]) == ("a", "b", "taken")


async def test_a_wrong_method_is_405_and_names_the_right_ones(house: House) -> None:
    answer, problem = await call(house, "POST", f"/notes/{NOBODY}")
    assert (answer.status, problem["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "DELETE, GET, HEAD, PATCH, PUT"
    assert house.seen[-1][:3] == ("POST", "(unmatched)", 405)


async def test_a_spelled_out_path_is_no_id(house: House) -> None:
    assert (await call(house, "GET", "/notes/count"))[1] == 0
    for method in ("PATCH", "PUT", "DELETE", "POST"):
        answer, problem = await call(house, method, "/notes/count", json={})
        assert (answer.status, problem["allow"]) == (405, ["GET", "HEAD"]), method
        assert answer.headers["Allow"] == "GET, HEAD"


async def test_a_head_request_gets_the_head_alone(house: House) -> None:
    async with house.http.head("/api/v1/notes", headers=house.as_("alice")) as answer:
        assert answer.status == 200
        assert int(answer.headers["Content-Length"]) > 0


@pytest.mark.parametrize("token", [None, "wrong", ""])
async def test_without_a_valid_token_the_answer_is_401(house: House, token: str | None) -> None:
    answer, problem = await call(house, "GET", "/notes", token)
    assert (answer.status, problem["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_that_is_not_cached_is_verified(house: House) -> None:
    assert (await call(house, "GET", "/notes", "late"))[0].status == 200


async def test_a_public_route_ignores_a_bad_token(house: House) -> None:
    house.notes.gate.set()
    assert (await call(house, "POST", "/wait", "wrong"))[0].status == 204


@pytest.mark.parametrize(
    ("token", "method", "path", "status"),
    [
        ("reader", "GET", "/notes", 200),
        ("reader", "POST", "/notes", 403),
        ("worker", "GET", "/notes", 403),
        ("alice", "POST", "/work", 403),
        ("worker", "POST", "/work", 200),
        ("alice", "POST", "/crash", 403),
    ],
)
async def test_scopes_and_roles_are_kept(house: House, token: str, method: str, path: str, status: int) -> None:
    assert (await call(house, method, path, token))[0].status == status


async def test_who_may_not_is_told_before_the_body_is_judged(house: House) -> None:
    assert (await call(house, "POST", "/notes", None, data=b"{", headers=JSON))[0].status == 401


async def test_me_is_the_caller(house: House) -> None:
    _, person = await call(house, "GET", "/people/me")
    assert person["user_id"] == ALICE


async def test_a_field_that_the_edge_fills_cannot_be_sent(house: House) -> None:
    path = f"/notes/{NOBODY}/stamp"
    _, note = await call(house, "POST", path, json={"text": "a"}, headers={"X-Agent": "clerk"})
    assert note["text"] == "a by clerk"
    answer, _ = await call(house, "POST", path, json={"text": "a", "agent": "thief"})
    assert answer.status == 400


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


async def test_one_request_too_many_is_429_and_others_are_not_touched(start: Start) -> None:
    house: House = await start(LimitSettings(read="2/hour"))
    left = [(await call(house, "GET", "/notes"))[0].headers["RateLimit-Remaining"] for _ in range(2)]
    assert left == ["1", "0"]
    answer, problem = await call(house, "GET", "/notes")
    assert (answer.status, problem["code"]) == (429, "rate_limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 1_800
    assert answer.headers["RateLimit-Remaining"] == "0"
    assert (await call(house, "GET", "/notes", "bob"))[0].status == 200
    assert (await call(house, "POST", "/notes", json={"text": "a"}))[0].status == 201


async def test_bad_tokens_use_up_what_their_address_has(start: Start) -> None:
    house: House = await start(LimitSettings(read="2/hour"))
    statuses = [(await call(house, "GET", "/notes", f"guess-{n}"))[0].status for n in range(4)]
    assert statuses == [401, 401, 429, 429]


async def test_without_limits_there_are_no_limit_headers(start: Start) -> None:
    house: House = await start(LimitSettings(enabled=False))
    assert "RateLimit-Limit" not in (await call(house, "GET", "/notes"))[0].headers


FORGED = {"X-Forwarded-For": "203.0.113.9"}


async def test_a_strangers_proxy_header_counts_nothing(house: House) -> None:
    assert (await call(house, "GET", "/people/me", headers=FORGED))[1]["address"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 127.0.0.5", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("nonsense", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
async def test_behind_a_trusted_proxy_the_nearest_stranger_is_the_client(
    start: Start, header: str, address: str
) -> None:
    house: House = await start(trusted_proxies=["127.0.0.0/8"])
    assert (await call(house, "GET", "/people/me", headers={"X-Forwarded-For": header}))[1]["address"] == address


PREFLIGHT = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}


async def test_an_allowed_page_may_ask_and_read(start: Start) -> None:
    house: House = await start(cors_origins=["https://app.example"])
    origin = {"Origin": "https://app.example"}
    answer, _ = await call(house, "OPTIONS", f"/notes/{NOBODY}", None, headers={**origin, **PREFLIGHT})
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    answer, _ = await call(house, "GET", "/notes", headers=origin)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "RateLimit-Remaining" in answer.headers["Access-Control-Expose-Headers"]


async def test_another_page_is_told_nothing(start: Start) -> None:
    house: House = await start(cors_origins=["https://app.example"])
    for method, more in (("OPTIONS", PREFLIGHT), ("GET", {})):
        answer, _ = await call(house, method, "/notes", headers={"Origin": "https://evil.example", **more})
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Vary"] == "Origin"


async def test_options_that_is_no_preflight_is_405(house: House) -> None:
    assert (await call(house, "OPTIONS", "/notes"))[0].status == 405


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
