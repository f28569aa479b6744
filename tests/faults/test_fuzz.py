"""Whatever JSON is sent to whatever route: never a 500, never a hang, and the house goes on."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, bytes | None, str]:
    """A route, a body that is mostly right, and a query."""
    route = draw(st.sampled_from(HARMLESS))
    operation = ROUTES[route]
    if operation.method == "GET":
        names = st.sampled_from(["limit", "cursor", "status", "type", "user_id", "q", "since", "role", "stream", "x"])
        query = draw(st.lists(st.tuples(names, st.text(st.characters(codec="ascii"), max_size=12)), max_size=3))
        return route, None, "&".join(f"{name}={_quoted(value)}" for name, value in query)
    body = dict(operation.example or {}) | ({"wait_seconds": 0} if "lease" in operation.path else {})
    for name in draw(
        st.lists(st.sampled_from([*body, "other"]).filter(lambda name: name != "wait_seconds"), max_size=2)
    ):
        body[name] = draw(JSON)
    return route, json.dumps(draw(st.just(body) | JSON)).encode(), ""


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
