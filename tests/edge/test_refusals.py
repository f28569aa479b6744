"""What the HTTP edge answers to requests that are wrong, over real sockets."""

from typing import Any

import pytest

from tests.edge.calls import JSON, NOBODY, call
from tests.edge.conftest import House

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
