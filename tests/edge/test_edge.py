"""What the HTTP edge answers to who may ask, over real sockets."""

import pytest

from tests.edge.calls import JSON, NOBODY, call
from tests.edge.conftest import ALICE, House


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
