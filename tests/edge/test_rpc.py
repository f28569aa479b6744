"""Operations by their rpc name: the same rules and answers as over HTTP."""

from typing import Any

import msgspec
import pytest

from actors.errors import DomainError, Forbidden, InvalidRequest, NotFound, Unauthorized, Unprocessable
from actors.runtime.message import ANONYMOUS, Caller
from tests.edge.conftest import House, Tokens

ALICE = Tokens.callers["alice"]


async def rpc(house: House, method: str, data: Any, caller: Caller = ALICE) -> Any:
    raw = data if isinstance(data, bytes) else msgspec.json.encode(data)
    prepared = house.dispatcher.prepare(method, raw, caller)
    return msgspec.json.decode(prepared.encode(await prepared.begin()))


async def test_the_body_and_the_paths_names_come_together(house: House) -> None:
    note = await rpc(house, "note.make", {"text": "a"})
    assert (await rpc(house, "note.change", {"note_id": note["id"], "text": "b"}))["text"] == "b"
    assert (await rpc(house, "note.get", {"note_id": note["id"]}))["text"] == "b"
    assert await rpc(house, "note.end", {"note_id": note["id"]}) == {}


async def test_with_the_paths_names_given_apart_the_data_is_the_body_alone(house: House) -> None:
    note = await rpc(house, "note.make", {"text": "a"})
    path = {"note_id": note["id"]}
    prepared = house.dispatcher.prepare("note.change", b'{"text":"b"}', ALICE, path)
    assert (await prepared.begin()).text == "b"
    for body in (b'{"text":"c","note_id":"%b"}' % note["id"].encode(), b'{"text":"c","idempotency_key":"k"}', b"["):
        with pytest.raises(InvalidRequest):
            house.dispatcher.prepare("note.change", body, ALICE, path)
    with pytest.raises(NotFound):
        house.dispatcher.prepare("note.change", b'{"text":"c"}', ALICE, {"note_id": "42"})
    assert (await rpc(house, "note.get", path))["text"] == "b"


async def test_a_key_takes_effect_once(house: House) -> None:
    first = await rpc(house, "note.make", {"text": "a", "idempotency_key": "k"})
    assert await rpc(house, "note.make", {"text": "a", "idempotency_key": "k"}) == first
    with pytest.raises(Unprocessable):
        await rpc(house, "note.make", {"text": "b", "idempotency_key": "k"})
    assert house.notes.made == 1


async def test_a_key_holds_across_http_and_rpc(house: House) -> None:
    headers = {**house.as_("alice"), "Idempotency-Key": "k"}
    async with house.http.post("/api/v1/notes", json={"text": "a"}, headers=headers) as answer:
        note = await answer.json()
    assert await rpc(house, "note.make", {"text": "a", "idempotency_key": "k"}) == note


@pytest.mark.parametrize(
    ("method", "data", "error"),
    [
        pytest.param("note.make", {"text": "a", "x": 1}, InvalidRequest, id="unknown field"),
        pytest.param("note.make", {"text": "a\0"}, InvalidRequest, id="NUL"),
        pytest.param("note.make", {"text": "a", "idempotency_key": 1}, InvalidRequest, id="key no text"),
        pytest.param("note.make", b"[", InvalidRequest, id="half JSON"),
        pytest.param("note.make", b"[]", InvalidRequest, id="no object"),
        pytest.param("note.make", b"", InvalidRequest, id="nothing"),
        pytest.param("note.make", b'{"text":"a","params":' + b"[" * 40, InvalidRequest, id="deep"),
        pytest.param("note.get", {}, InvalidRequest, id="path name missing"),
        pytest.param("note.get", {"note_id": "42"}, NotFound, id="malformed id"),
        pytest.param("note.get", {"note_id": 42}, NotFound, id="id no text"),
    ],
)
async def test_refusals(house: House, method: str, data: Any, error: type[DomainError]) -> None:
    with pytest.raises(error):
        await rpc(house, method, data)


async def test_the_same_people_may(house: House) -> None:
    with pytest.raises(Unauthorized):
        await rpc(house, "note.make", {"text": "a"}, ANONYMOUS)
    with pytest.raises(Forbidden):
        await rpc(house, "note.make", {"text": "a"}, Tokens.callers["reader"])


async def test_an_unknown_method_is_a_key_error(house: House) -> None:
    with pytest.raises(KeyError):
        await rpc(house, "note.burn", {})
