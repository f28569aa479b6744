"""Whatever JSON is sent to whatever route: never a 500, never a hang, and the house goes on."""

import http.client
import json
import re
from typing import Any
from urllib.parse import urlsplit

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.faults.world import ROUTES, World

TEXT = st.text(max_size=20) | st.sampled_from(["\0", "me", "all", "a" * 300, "\u202e", "2026-13-45T99:99:99Z", "-1"])
NUMBER = st.integers() | st.integers(2**62, 2**65) | st.floats()
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)
HARMLESS = [  # what may end the account or the session of those who ask is left to other tests
    name for name in ROUTES if not any(word in name for word in ("logout", "/role", "/status", "DELETE"))
]


def like(value: Any) -> st.SearchStrategy[Any]:
    """Something of the same type, mostly."""
    if isinstance(value, dict):
        return st.fixed_dictionaries({name: st.just(item) | like(item) for name, item in value.items()}) | JSON
    if isinstance(value, list):
        return st.lists(st.sampled_from(value).flatmap(like), max_size=3) if value else JSON
    return (TEXT if isinstance(value, str) else NUMBER) | st.just(value) | st.none()


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, bytes | None, str]:
    """A route, and a body or a query in which one or two things are odd."""
    route = draw(st.sampled_from(HARMLESS))
    operation = ROUTES[route]
    taken = {"wait_seconds", *re.findall(r"{(\w+)}", operation.path), *operation.fills}
    fields = sorted({field.name for field in structs.fields(operation.message)} - taken)
    if operation.method == "GET":
        values = st.text(st.characters(codec="ascii"), max_size=12) | st.sampled_from(["1", "100", "pending", "user"])
        query = draw(st.lists(st.tuples(st.sampled_from(fields or ["x"]), values), max_size=2))
        return route, None, "&".join(f"{name}={_quoted(value)}" for name, value in query)
    body = dict(operation.example or {}) | ({"wait_seconds": 0} if "lease" in operation.path else {})
    for name in draw(st.lists(st.sampled_from(fields), max_size=2)) if fields else ():
        body[name] = draw(like(body[name]) if name in body else JSON)
    if draw(st.integers(0, 9)) == 0:
        return route, json.dumps(draw(JSON)).encode(), ""
    return route, json.dumps(body).encode() if body else None, ""


def _quoted(text: str) -> str:
    return "".join(f"%{ord(letter):02x}" for letter in text)


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(request=requests())
def test_no_json_and_no_query_makes_a_500(own_world: World, request: tuple[str, bytes | None, str]) -> None:
    world = own_world
    route, body, query = request
    operation = ROUTES[route]
    connection = http.client.HTTPConnection(urlsplit(world.house.url).netloc, timeout=15)
    headers = {**world.headers(operation), "Content-Type": "application/json"}
    if operation.access.value == "user":
        headers |= world.eve.headers
    path = urlsplit(world.url(operation, user_id="me")).path + (f"?{query}" if query else "")
    try:
        connection.request(operation.method, path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    assert answer.status < 500, (route, body, query, said)
    assert world.house.process.poll() is None
    assert answer.status < 400 or json.loads(said)["status"] == answer.status
