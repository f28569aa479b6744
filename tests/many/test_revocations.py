"""What ends in one house has ended in all."""

import asyncio
import time

from actors.messages.account import SetRole
from actors.runtime.message import SYSTEM
from tests.many.house import ManyHouses, Person


async def log_in(houses: ManyHouses, number: int, name: str) -> Person:
    """Log in at one of the houses."""
    body = {"login": name, "password": "correct horse"}
    said = await houses[number].call("POST", "/users/login", body=body)
    return Person(said["user"]["id"], said["access_token"])


async def test_a_session_that_ends_in_one_house_ends_in_the_other_within_a_second(houses: ManyHouses) -> None:
    ada = await houses[0].person("ada")
    await houses[1].call("GET", "/users/me", ada.token)  # remembered there
    wire = await houses.wire(1, ada)
    began = time.monotonic()
    await houses[0].call("POST", "/auth/logout", ada.token, expect=204)
    assert await wire.end() == 3500
    assert time.monotonic() - began < 1
    await houses[1].call("GET", "/users/me", ada.token, expect=401)


async def test_without_redis_the_event_table_tells_within_a_second(houses: ManyHouses) -> None:
    pubsub = houses.wires(1).link.pubsub
    pubsub._hear.pop(pubsub._prefix + b"endings")  # it hears of nothing
    ada = await houses[0].person("ada")
    wire = await houses.wire(1, ada)
    began = time.monotonic()
    await houses[0].call("POST", "/auth/logout", ada.token, expect=204)
    assert await wire.end() == 3500
    assert time.monotonic() - began < 1


async def test_who_comes_back_at_once_is_not_sent_away_by_what_ended_before(houses: ManyHouses) -> None:
    ada, name = await houses.person_of(0, "ada")
    await houses.wire(1, ada)
    await houses[0].call("PUT", "/users/me/password", ada.token, {"current": "correct horse", "new": "another horse"})
    await houses[0].call("POST", "/auth/logout", ada.token, expect=204)
    body = {"login": name, "password": "another horse"}
    said = await houses[1].call("POST", "/users/login", body=body)
    await asyncio.sleep(0.05)
    wire = await houses.wire(1, Person(ada.id, said["access_token"]))
    await asyncio.sleep(1.2)
    assert (await wire.ask(ping={}))["id"] == 2


async def test_a_role_that_changes_in_one_house_counts_in_the_other(houses: ManyHouses) -> None:
    root = await houses[0].person("root", "admin")
    await houses[1].call("GET", "/api/system/info", root.token)
    wire = await houses.wire(1, root)
    assert "subscribe" in await wire.ask(subscribe={"channel": "system:actors"})
    await houses[0].refs("account", root.id).ask(SetRole(user_id=root.id, role="user"), SYSTEM)
    while "unsubscribe" not in await wire.push():
        pass
    await houses[1].call("GET", "/api/system/info", root.token, expect=403)


async def test_a_house_that_hears_nothing_for_five_seconds_refuses_tokens(houses: ManyHouses) -> None:
    ada = await houses[1].person("ada")
    await houses[1].call("GET", "/users/me", ada.token)
    following = houses.wires(1).following
    dsn, following._dsn = following._dsn, "postgresql://nobody@127.0.0.1:1/nothing"
    following._give_up()
    await asyncio.sleep(4)
    await houses[1].call("GET", "/users/me", ada.token)
    await asyncio.sleep(1.2)
    assert (await houses[1].call("GET", "/users/me", ada.token, expect=503))["code"] == "unavailable"
    following._dsn = dsn
    await asyncio.sleep(1)
    await houses[1].call("GET", "/users/me", ada.token)
