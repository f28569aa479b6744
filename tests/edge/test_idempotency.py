"""A request with an Idempotency-Key takes effect once."""

import asyncio
from typing import Any

import pytest

from tests.edge.conftest import House

KEY = {"Idempotency-Key": "k-1"}


async def make(
    house: House, text: str = "a", token: str = "alice", key: dict[str, str] = KEY, **more: Any
) -> tuple[Any, Any]:
    headers = {**house.as_(token), **key}
    async with house.http.post("/api/v1/notes", json={"text": text, **more}, headers=headers) as answer:
        return answer, await answer.json()


async def test_a_replay_answers_with_the_object_as_it_is_now(house: House) -> None:
    first, note = await make(house)
    assert "Idempotency-Replayed" not in first.headers
    path = f"/api/v1/notes/{note['id']}"
    async with house.http.patch(path, json={"text": "now"}, headers=house.as_("alice")):
        pass
    again, shown = await make(house)
    assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert (shown["id"], shown["text"]) == (note["id"], "now")
    assert house.notes.made == 1


async def test_a_default_that_is_spelled_out_is_the_same_body(house: House) -> None:
    await make(house, params={"b": 1, "a": 2})
    again, _ = await make(house, priority=5, params={"a": 2, "b": 1})
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_another_body_under_the_same_key_is_422(house: House) -> None:
    await make(house)
    answer, problem = await make(house, "b")
    assert (answer.status, problem["code"]) == (422, "unprocessable")
    assert house.notes.made == 1


async def test_callers_do_not_share_keys(house: House) -> None:
    await make(house)
    answer, _ = await make(house, "b", token="admin")
    assert answer.status == 201
    assert house.notes.made == 2


async def test_while_the_first_one_runs_the_second_is_409(house: House) -> None:
    first = asyncio.create_task(make(house, "wait"))
    await house.notes.started.wait()
    answer, problem = await make(house, "wait")
    assert (answer.status, problem["code"], answer.headers["Retry-After"]) == (409, "conflict", "1")
    house.notes.gate.set()
    assert (await first)[0].status == 201
    assert (await make(house, "wait"))[0].headers["Idempotency-Replayed"] == "true"


async def test_of_two_houses_the_one_whose_row_came_late_answers_with_the_winners_object(house: House) -> None:
    _, note = await make(house)
    house.memory.hides = 1  # this house looked before the other's commit was there
    again, shown = await make(house)
    assert (again.status, shown) == (201, note)
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_a_refusal_keeps_no_key(house: House) -> None:
    refused, _ = await make(house, "taken")
    assert refused.status == 409
    assert (await make(house, "b"))[0].status == 201


@pytest.mark.parametrize("key", ["", "x" * 201, "two words", "uml\xe4ut"])
async def test_an_unfit_key_is_400(house: House, key: str) -> None:
    answer, problem = await make(house, key={"Idempotency-Key": key})
    assert (answer.status, problem["code"]) == (400, "invalid_request")
    assert house.notes.made == 0


async def test_a_key_on_a_route_that_creates_nothing_is_ignored(house: House) -> None:
    for _ in range(2):
        async with house.http.get("/api/v1/notes", headers={**house.as_("alice"), **KEY}) as answer:
            assert answer.status == 200
    assert not house.memory.records
