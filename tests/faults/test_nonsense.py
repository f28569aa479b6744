"""Every route with everything that does not fit: a clear error each time, never a 500, and nothing is changed."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import pytest
from multidict import CIMultiDict

from handlers.operation import Operation
from tests.faults.world import ROUTES, Answer, World, call

WRITES = {name: operation for name, operation in ROUTES.items() if operation.method in {"POST", "PUT", "PATCH"}}
READS = {name: operation for name, operation in ROUTES.items() if name not in WRITES}
CODES = {400: "invalid_request", 404: "not_found", 413: "too_large", 415: "unsupported_media_type"}
JSON = {"Content-Type": "application/json"}
NO_IDS = ("no-id", "%00", "%ff", "' or 1=1 --", "x" * 3_000, "%2e%2e%2f%2e%2e", "\u0661")
MEGABYTES = 10 * 2**20


class Bad(NamedTuple):
    """A body, its headers, and what it is answered with."""

    what: str
    body: bytes
    status: int = 400
    headers: dict[str, str] = JSON


def with_nul(value: Any) -> Any:
    """The same with a NUL in every text."""
    if isinstance(value, dict):
        return {name: with_nul(item) for name, item in value.items()}
    if isinstance(value, list):
        return [with_nul(item) for item in value]
    return f"{value}\0" if isinstance(value, str) else value


def bad_bodies(operation: Operation) -> Iterator[Bad]:
    """Everything that does not fit this route."""
    good = dict(operation.example or {})
    yield Bad("unknown field", json.dumps({**good, "nobody_knows": 1}).encode())
    yield Bad("a list", b"[]")
    yield Bad("a text", b'"text"')
    yield Bad("null", b"null")
    yield Bad("half a document", b'{"a":')
    yield Bad("two documents", b"{} {}")
    yield Bad("not UTF-8", b'{"nobody_knows": "\xff\xfe"}')
    yield Bad("a lone surrogate", rb'{"nobody_knows": "\ud800"}')
    yield Bad("not a number", b'{"nobody_knows": NaN}')
    yield Bad("too deep", b'{"nobody_knows":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    yield Bad("too deep, objects", b'{"a":' * 30_000 + b"1" + b"}" * 30_000)
    yield Bad("10 MB", b'{"a":"' + b"x" * MEGABYTES + b'"}', 413)
    bomb = gzip.compress(b" " * MEGABYTES)
    yield Bad("10 MB in 10 KB", bomb, 413, {**JSON, "Content-Encoding": "gzip"})
    yield Bad("an encoding that is none", b"{}" * 100, 400, {**JSON, "Content-Encoding": "gzip"})
    yield Bad("not declared as JSON", json.dumps(good).encode(), 415, {"Content-Type": "text/plain"})
    yield Bad("a form", b"a=1", 415, {"Content-Type": "application/x-www-form-urlencoded"})
    for name in good:
        yield Bad(f"wrong type of {name}", json.dumps({**good, name: {"wrong": [[True]]}}).encode())
    if good and with_nul(good) != good:
        yield Bad("NUL", json.dumps(with_nul(good)).encode())


@pytest.mark.parametrize("path", sorted({name.partition(" ")[2] for name in ROUTES}))
async def test_a_wrong_method_names_all_that_are_right(
    untouched: World, client: aiohttp.ClientSession, path: str
) -> None:
    twins = {"GET": {"GET", "HEAD"}, "PATCH": {"PATCH", "PUT"}}
    right = {method for name in ROUTES for method, _, one in [name.partition(" ")] if one == path}
    url = untouched.url(next(operation for name, operation in ROUTES.items() if name.partition(" ")[2] == path))
    answer = await call(client, "PROPFIND", url)
    assert answer.status == 405
    assert set(answer.headers["Allow"].split(", ")) == set().union(*(twins.get(method, {method}) for method in right))


async def upload(method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
    """Send a large body whatever the answer is; the house says it, and closes."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    lines = [f"{method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    try:
        head, _, document = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    finally:
        writer.transport.abort()
    first, *rest = head.decode().split("\r\n")
    return Answer(
        int(first.split()[1]),
        CIMultiDict((name, value) for name, _, value in (line.partition(": ") for line in rest)),
        document,
    )


def judge(what: str, answer: Answer, status: int) -> None:
    """A problem document that says what does not fit."""
    assert answer.status == status, f"{what}: {answer.status} {answer.body[:300]!r}"
    assert answer.headers["Content-Type"] == "application/problem+json", what
    document = json.loads(answer.body)
    assert document["code"] == CODES[status], what
    assert document["request_id"] == answer.headers["X-Request-ID"], what
    assert status != 400 or document["errors"][0]["message"], what


@pytest.mark.parametrize("route", WRITES)
async def test_a_body_that_does_not_fit_is_refused(untouched: World, client: aiohttp.ClientSession, route: str) -> None:
    operation = WRITES[route]
    bads = [bad for bad in bad_bodies(operation) if not (bad.what.endswith("of result") or bad.what.endswith("params"))]
    url, headers = untouched.url(operation), untouched.headers(operation)
    answers = await asyncio.gather(
        *(
            upload(operation.method, url, headers | bad.headers, bad.body)
            if len(bad.body) > MEGABYTES
            else call(client, operation.method, url, data=bad.body, headers=headers | bad.headers)
            for bad in bads
        )
    )
    for bad, answer in zip(bads, answers, strict=True):
        judge(bad.what, answer, bad.status)


@pytest.mark.parametrize("route", READS)
async def test_a_query_that_does_not_fit_is_refused(
    untouched: World, client: aiohttp.ClientSession, route: str
) -> None:
    operation = READS[route]
    for query in (
        "?nobody_knows=1",
        "?limit=ten",
        "?limit=0",
        "?limit=1000000",
        "?cursor=%00",
        "?cursor=x",
        "?%ff=%ff",
    ):
        url, headers = untouched.url(operation) + query, untouched.headers(operation)
        judge(query, await call(client, operation.method, url, headers=headers), 400)


@pytest.mark.parametrize("route", [name for name in ROUTES if "{" in name])
async def test_an_id_that_is_none_names_nothing(untouched: World, client: aiohttp.ClientSession, route: str) -> None:
    operation = ROUTES[route]
    body = json.dumps(dict(operation.example or {})).encode() if route in WRITES else None
    headers = untouched.headers(operation) | (JSON if body else {})
    for name in NO_IDS:
        url = untouched.url(operation, **dict.fromkeys(untouched.ids, name))
        answer = await call(client, operation.method, url, data=body, headers=headers)
        judge(url, answer, 400 if name == "%00" else 404)


async def test_a_foreign_page_is_told_nothing(untouched: World, client: aiohttp.ClientSession) -> None:
    headers = {"Origin": "https://evil.example", **untouched.ada.headers}
    answer = await call(client, "GET", f"{untouched.house.url}/api/v1/users/me", headers=headers)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = await call(client, "OPTIONS", f"{untouched.house.url}/api/v1/tasks", headers=preflight)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


STALE = "01990a1b-5c00-7000-8000-00000000000b"
TRANSITIONS = [
    ("PUT", "running", "progress", {"lease": STALE, "percent": 5}),
    ("POST", "running", "complete", {"lease": STALE, "result": 5}),
    ("POST", "running", "fail", {"lease": STALE, "error": {"code": "x"}}),
    ("POST", "running", "retry", None),
    ("PUT", "pending", "progress", {"lease": STALE, "percent": 5}),
    ("POST", "pending", "complete", {"lease": STALE}),
    ("POST", "pending", "fail", {"lease": STALE, "error": {"code": "x"}}),
    ("POST", "pending", "retry", None),
    ("PUT", "completed", "progress", {"lease": STALE, "percent": 5}),
    ("POST", "completed", "complete", {"lease": STALE}),
    ("POST", "completed", "fail", {"lease": STALE, "error": {"code": "x"}}),
    ("POST", "completed", "cancel", None),
    ("POST", "completed", "retry", None),
]


@pytest.mark.parametrize(("method", "status", "action", "body"), TRANSITIONS)
async def test_a_stale_lease_or_an_illegal_transition_is_409(
    untouched: World, client: aiohttp.ClientSession, method: str, status: str, action: str, body: Any
) -> None:
    url = f"{untouched.house.url}/api/v1/tasks/{untouched.task_ids[status]}/{action}"
    headers = untouched.ada.headers if action in {"retry", "cancel"} else untouched.house.admin
    answer = await call(client, method, url, json=body, headers=headers)
    assert (answer.status, json.loads(answer.body)["code"]) == (409, "conflict"), answer.body


async def test_stale_leases_among_good_form_are_each_refused(untouched: World, client: aiohttp.ClientSession) -> None:
    items = [{"id": task_id, "lease": STALE, "result": 1} for task_id in untouched.task_ids.values()]
    items.append({"id": STALE, "lease": STALE, "result": 1})
    items.append({"id": "no-id", "lease": "\u00e9", "result": 1})
    url = f"{untouched.house.url}/api/v1/tasks/settle"
    answer = await call(client, "POST", url, json={"items": items}, headers=untouched.house.admin)
    assert answer.status == 200, answer.body
    codes = [item["code"] for item in json.loads(answer.body)["items"]]
    assert codes == ["conflict"] * 3 + ["not_found"] * 2
