"""Events are the whole truth: folding a stream anew gives the row that is stored."""

import random
from typing import Any

import msgspec
import pytest

from actors.account.state import AccountState, fold, load_state
from actors.messages import account as messages
from actors.messages.account import AccountEvent
from tests.account.house import AccountHouse

EVENTS = {
    event.__struct_config__.tag: event
    for event in vars(messages).values()
    if isinstance(event, type) and issubclass(event, AccountEvent) and event is not AccountEvent
}


async def replay(house: AccountHouse, user_id: str) -> tuple[AccountState | None, int]:
    state: AccountState | None = None
    n = 0
    for row in await house.sql("select * from event where stream = $1 order by n", f"account:{user_id}"):
        state = fold(state, msgspec.json.decode(row["body"], type=EVENTS[row["type"]]))
        n = row["n"]
    return state, n


@pytest.mark.parametrize("seed", range(3))
async def test_folding_the_events_of_an_account_gives_its_row(house: AccountHouse, seed: int) -> None:
    chance = random.Random(seed)
    root, ada = await house.person("root", "super_admin"), await house.register("ada")
    user_id = ada["user"]["id"]
    changes: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", "", {"email": "second@example.org"}),
        ("PATCH", "", {"email": "third@example.org", "phone": "12345"}),
        ("PATCH", "", {"avatar": "a.png"}),
        ("PATCH", "", {"avatar": None}),
        ("PATCH", "/role", {"role": "vip"}),
        ("PATCH", "/role", {"role": "admin"}),
        ("PATCH", "/status", {"status": "blocked"}),
        ("PATCH", "/status", {"status": "active"}),
        ("PATCH", "/quota", {"max_tasks": 5}),
        ("POST", "/password-reset", {}),
    ]
    for _ in range(25):
        method, path, body = chance.choice(changes)
        answer = await house.call(method, f"/users/{user_id}{path}", body, token=root["access_token"])
        assert answer.status < 300
        if house.heard.mails and chance.random() < 0.3:
            await house.call("POST", "/auth/verify-email", {"token": house.heard.mails.pop().token})
    [row] = await house.sql("select * from account where id = $1", user_id)
    assert await replay(house, user_id) == (load_state(row), row["n"])


async def test_folding_the_events_of_a_deleted_account_leaves_nothing(house: AccountHouse) -> None:
    ada = await house.register("ada")
    await house.call("DELETE", "/users/me", token=ada["access_token"])
    assert await replay(house, ada["user"]["id"]) == (None, 2)
