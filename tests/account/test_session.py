"""Logging in and out, rotation of refresh tokens, and what both refuse."""

import asyncio
from pathlib import Path
from time import perf_counter

import msgspec
import pytest
from msgspec.structs import replace

from actors.errors import Unauthorized
from actors.messages.session import Refresh, SessionTokens
from actors.runtime.message import ANONYMOUS
from tests.account.house import CHEAP, PASSWORD, AccountHouse, open_house


@pytest.mark.parametrize("login", ["ada", "ADA", "ada@example.org", "Ada@Example.ORG"])
async def test_one_logs_in_by_name_or_address_whatever_their_case(house: AccountHouse, login: str) -> None:
    registered = await house.register("ada")
    answer = await house.log_in(login)
    assert answer.status == 200 and answer["user"] == registered["user"]
    assert (await house.call("GET", "/users/me", token=answer["access_token"])).status == 200


async def test_an_unknown_login_and_a_wrong_password_are_told_apart_by_nothing(house: AccountHouse) -> None:
    await house.register("ada")
    wrong, unknown = await house.log_in("ada", "not hers"), await house.log_in("nobody", "not hers")
    assert wrong.refusal == unknown.refusal == (401, "unauthorized")
    assert {**wrong.body, "request_id": ""} == {**unknown.body, "request_id": ""}
    assert wrong.headers.keys() == unknown.headers.keys()


async def test_an_unknown_login_costs_as_much_time_as_a_wrong_password(database_dsn: str, tmp_path: Path) -> None:
    costly = replace(CHEAP, argon2_memory_kib=16_384, argon2_passes=2)
    async with open_house(database_dsn, tmp_path, costly) as house:
        await house.register("ada")

        took: dict[str, list[float]] = {"ada": [], "nobody": []}
        for _ in range(10):
            for login, times in took.items():
                started = perf_counter()
                await house.log_in(login, "not hers")
                times.append(perf_counter() - started)
    known, unknown = min(took["ada"]), min(took["nobody"])
    assert 0.5 < unknown / known < 2
    assert unknown > 0.01  # the hash was really made


async def test_a_password_is_hashed_anew_when_its_cost_has_changed(database_dsn: str, tmp_path: Path) -> None:
    async with open_house(database_dsn, tmp_path) as house:
        await house.register("ada")
    async with open_house(database_dsn, tmp_path, replace(CHEAP, argon2_memory_kib=16)) as house:
        assert (await house.log_in("ada")).status == 200
        [row] = await house.sql("select password_hash from credential")
        assert "m=16," in row["password_hash"]
        assert (await house.log_in("ada")).status == 200


async def test_guessing_is_limited_per_account_and_success_does_not_count(database_dsn: str, tmp_path: Path) -> None:
    async with open_house(database_dsn, tmp_path, replace(CHEAP, attempts_per_account=3)) as house:
        await house.register("ada")
        await house.register("bob")
        for _ in range(10):
            assert (await house.log_in("ada")).status == 200
        answers = await asyncio.gather(*(house.log_in("ada", "guess") for _ in range(10)))
        assert sorted(answer.status for answer in answers) == [401] * 3 + [429] * 7
        limited = await house.log_in("ADA")
        assert limited.refusal == (429, "rate_limited") and int(limited.headers["Retry-After"]) > 0
        assert (await house.log_in("bob")).status == 200


async def test_guessing_is_limited_per_address(database_dsn: str, tmp_path: Path) -> None:
    async with open_house(database_dsn, tmp_path, replace(CHEAP, attempts_per_address=5)) as house:
        answers = [await house.log_in(f"name{n}", "guess") for n in range(8)]
        assert [answer.status for answer in answers] == [401] * 5 + [429] * 3


async def test_too_many_hashes_at_once_are_refused_rather_than_queued(database_dsn: str, tmp_path: Path) -> None:
    few = replace(CHEAP, argon2_memory_kib=32_768, hashing_threads=1, hashing_queue=2)
    async with open_house(database_dsn, tmp_path, few) as house:
        answers = await asyncio.gather(*(house.log_in("ada", "guess") for _ in range(12)))
        statuses = [answer.status for answer in answers]
        assert set(statuses) == {401, 503} and statuses.count(401) >= 3
        assert (await house.log_in("ada", "guess")).status == 401


async def test_logging_out_ends_the_session_at_once(house: AccountHouse) -> None:
    answer = await house.register("ada")
    token = answer["access_token"]
    assert (await house.call("GET", "/users/me", token=token)).status == 200
    assert (await house.call("POST", "/auth/logout", token=token)).status == 204
    assert (await house.call("GET", "/users/me", token=token)).refusal == (401, "unauthorized")
    assert (await house.refresh(answer["refresh_token"])).refusal == (401, "unauthorized")
    [told] = house.told("session.ended")
    assert told["reason"] == "logout" and told["user_id"] == answer["user"]["id"]
    assert await house.stream(f"session:{told['session_id']}") == [(1, "session.opened"), (2, "session.ended")]


async def test_a_refresh_gives_new_tokens_for_the_same_session(house: AccountHouse) -> None:
    first = await house.register("ada")
    second = await house.refresh(first["refresh_token"])
    third = await house.refresh(second["refresh_token"])
    assert third.status == 200 and third["user"] == first["user"]
    for answer in (first, second, third):
        assert (await house.call("GET", "/users/me", token=answer["access_token"])).status == 200
    listed = await house.call("GET", "/auth/sessions", token=third["access_token"])
    [session] = listed["items"]
    assert session["current"] and session["last_seen_at"] > session["created_at"]


async def test_a_second_use_of_a_refresh_token_ends_the_family_and_is_told(house: AccountHouse) -> None:
    first = await house.register("ada")
    second = await house.refresh(first["refresh_token"])
    third = await house.refresh(second["refresh_token"])
    assert (await house.refresh(first["refresh_token"])).refusal == (401, "unauthorized")  # the grandparent
    assert (await house.refresh(third["refresh_token"])).refusal == (401, "unauthorized")
    assert (await house.call("GET", "/users/me", token=third["access_token"])).refusal == (401, "unauthorized")
    [told] = house.told("session.ended")
    assert told["reason"] == "reuse" and told["user_id"] == first["user"]["id"]
    stream = f"session:{told['session_id']}"
    assert await house.stream(stream) == [(1, "session.opened"), (2, "session.ended")]
    [row] = await house.sql("select body from event where stream = $1 and n = 2", stream)
    assert row["body"].encode() == next(e.body for e in house.heard.events if e.type == "session.ended")


async def test_of_a_hundred_uses_at_once_at_most_one_wins_and_the_family_is_dead(house: AccountHouse) -> None:
    first = await house.register("ada")
    answers = await asyncio.gather(*(house.refresh(first["refresh_token"]) for _ in range(100)))
    winners = [answer for answer in answers if answer.status == 200]
    assert len(winners) == 1
    assert {answer.status for answer in answers} == {200, 401}
    assert (await house.refresh(winners[0]["refresh_token"])).status == 401
    assert (await house.call("GET", "/users/me", token=winners[0]["access_token"])).status == 401
    assert len(house.told("session.ended")) == 1


async def test_of_uses_in_one_batch_at_most_one_wins_and_the_theft_is_told_once(house: AccountHouse) -> None:
    first = await house.register("ada")
    sessions, use = house.system.ref("sessions"), Refresh(refresh_token=first["refresh_token"])
    outcomes = await asyncio.gather(*(sessions.ask(use, ANONYMOUS) for _ in range(50)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [SessionTokens] + [Unauthorized] * 49
    assert len(house.told("session.ended")) == 1
    assert [row["n"] for row in await house.sql("select n from session")] == [2]


async def test_many_families_rotate_at_once_without_touching_each_other(house: AccountHouse) -> None:
    people = await asyncio.gather(*(house.register(f"person{n}") for n in range(20)))
    for _ in range(3):
        people = await asyncio.gather(*(house.refresh(person["refresh_token"]) for person in people))
        assert {person.status for person in people} == {200}
    names = [person["user"]["username"] for person in people]
    assert names == [f"person{n}" for n in range(20)]


@pytest.mark.parametrize("token", ["x", "x" * 43, "\u20ac" * 20])
async def test_a_refresh_token_that_nobody_has_is_refused(house: AccountHouse, token: str) -> None:
    assert (await house.refresh(token)).refusal == (401, "unauthorized")


async def test_a_refresh_token_ends(database_dsn: str, tmp_path: Path) -> None:
    async with open_house(database_dsn, tmp_path) as house:
        answer = await house.register("ada")
        await house.sql("update refresh_token set expires_at = now() - interval '1 s'")
        assert (await house.refresh(answer["refresh_token"])).status == 401
        assert house.told("session.ended") == []  # too late is not a theft


async def test_sessions_are_listed_and_ended_by_their_owner_alone(house: AccountHouse) -> None:
    ada, bob = await house.register("ada"), await house.register("bob")
    other = await house.log_in("ada")
    listed = await house.call("GET", "/auth/sessions", token=ada["access_token"])
    newer, older = listed["items"]
    assert (newer["current"], older["current"]) == (False, True) and newer["address"] == "127.0.0.1"
    assert "Python" in newer["user_agent"]
    path = f"/auth/sessions/{newer['id']}"
    assert (await house.call("DELETE", path, token=bob["access_token"])).refusal == (404, "not_found")
    assert (await house.call("DELETE", path, token=ada["access_token"])).status == 204
    assert (await house.call("DELETE", path, token=ada["access_token"])).refusal == (404, "not_found")
    assert (await house.call("GET", "/users/me", token=other["access_token"])).status == 401
    assert len((await house.call("GET", "/auth/sessions", token=ada["access_token"]))["items"]) == 1


async def test_sessions_come_in_pages(house: AccountHouse) -> None:
    tokens = [
        (await house.register("ada"))["access_token"],
        *[(await house.log_in("ada"))["access_token"] for _ in range(4)],
    ]
    seen: list[str] = []
    path = "/auth/sessions?limit=2"
    while len(seen) < 5:
        page = await house.call("GET", path, token=tokens[0])
        seen += [session["id"] for session in page["items"]]
        path = f"/auth/sessions?limit=2&cursor={page['next_cursor']}"
    assert page["next_cursor"] is None
    assert seen == sorted(set(seen), reverse=True)


async def test_dead_sessions_are_forgotten_and_living_ones_kept(house: AccountHouse) -> None:
    old, young = await house.register("old"), await house.register("young")
    await house.sql(
        "update session set last_seen_at = now() - interval '31 days' where user_id = $1", old["user"]["id"]
    )
    [now] = await house.sql("select now() as now, now() - interval '30 days' as before")
    assert await house.parts.sessions.delete_dead(seen_before=now["before"], now=now["now"]) == 1
    assert (await house.refresh(young["refresh_token"])).status == 200
    assert (await house.refresh(old["refresh_token"])).status == 401


async def test_a_password_that_changes_while_it_is_checked_opens_no_session(
    house: AccountHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.register("ada")
    verify = house.parts.passwords.verify

    async def slowly(password_hash: str | None, password: str) -> bool:
        fits = await verify(password_hash, password)
        await house.sql("update credential set password_hash = 'another'")
        return fits

    monkeypatch.setattr(house.parts.passwords, "verify", slowly)
    assert (await house.log_in("ada")).refusal == (401, "unauthorized")
    assert len(await house.sql("select from session")) == 1  # the registration's


async def test_an_account_that_is_blocked_while_its_password_is_checked_opens_no_session(
    house: AccountHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, ada = await house.person("root", "admin"), await house.register("ada")
    path, verify = f"/users/{ada['user']['id']}/status", house.parts.passwords.verify

    async def slowly(password_hash: str | None, password: str) -> bool:
        fits = await verify(password_hash, password)
        await house.call("PATCH", path, {"status": "blocked"}, token=root["access_token"])
        return fits

    monkeypatch.setattr(house.parts.passwords, "verify", slowly)
    assert (await house.log_in("ada")).refusal == (401, "unauthorized")
    assert len(await house.sql("select from session where ended_at is null")) == 1  # the administrator's


async def test_what_a_client_says_of_itself_is_kept_whatever_it_is(house: AccountHouse) -> None:
    await house.register("ada")
    url = house.http._base_url
    assert url is not None and url.port is not None
    body = msgspec.json.encode({"login": "ada", "password": PASSWORD})
    lines = ["POST /api/v1/users/login HTTP/1.1", "Host: x", "Content-Type: application/json"]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", ""])
    reader, writer = await asyncio.open_connection("127.0.0.1", url.port)
    writer.write(head.encode() + b"User-Agent: \xff\xfe\xed\xa0\x80" + b"x" * 1_000 + b"\r\n\r\n" + body)
    assert (await reader.readline()).split()[1] == b"200"
    writer.close()
    await writer.wait_closed()
    [row] = await house.sql("select user_agent from session order by id desc limit 1")
    assert row["user_agent"].startswith("?????x") and len(row["user_agent"]) <= 500
