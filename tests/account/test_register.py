"""Registration: one transaction, unique names, idempotent."""

import asyncio
from typing import Any

import pytest

from tests.account.house import PASSWORD, AccountHouse


async def test_a_registration_makes_account_profile_quota_and_session_at_once(house: AccountHouse) -> None:
    answer = await house.register("Ada", phone="+49 30 1234567", school_code="pk", op_code="pk 5f-01")
    user = answer["user"]
    assert {**user, "id": "", "created_at": ""} == {
        "id": "", "username": "Ada", "email": "Ada@example.org", "phone": "+49 30 1234567", "avatar": None,
        "role": "user", "status": "active", "courier_level": None, "created_at": "",
    }  # fmt: skip
    assert user["created_at"].endswith("Z")
    assert answer["token_type"] == "Bearer" and answer["expires_in"] == 900
    [row] = await house.sql(
        "select p.*, q.used_tasks, c.password_hash, s.id as session from profile p join quota q using (user_id) "
        "join credential c using (user_id) join session s using (user_id)"
    )
    assert (row["display_name"], row["school_code"], row["op_code"], row["used_tasks"]) == ("Ada", "PK", "PK5F01", 0)
    assert row["password_hash"].startswith("$argon2id$") and PASSWORD not in row["password_hash"]
    assert await house.stream(f"account:{user['id']}") == [(1, "account.registered")]
    assert await house.stream(f"session:{row['session']}") == [(1, "session.opened")]


@pytest.mark.parametrize(
    ("wrong", "path", "hint"),
    [
        pytest.param({"op_code": "PK5F"}, "$.op_code", "expected 6 characters", id="an area is no point"),
        pytest.param({"op_code": "PK5F0\u00e4"}, "$.op_code", "letters A-Z and digits", id="foreign letters"),
        pytest.param({"school_code": "P-K-5"}, "$.school_code", "expected 2 characters", id="no school's code"),
    ],
)
async def test_what_can_be_no_code_is_refused_with_its_path(
    house: AccountHouse, wrong: dict[str, str], path: str, hint: str
) -> None:
    body = {"username": "ada", "email": "ada@example.org", "password": PASSWORD, **wrong}
    answer = await house.call("POST", "/users/register", body)
    assert answer.refusal == (400, "invalid_request")
    [fault] = answer["errors"]
    assert fault["path"] == path and hint in fault["message"]
    assert await house.sql("select from account") == []


async def test_the_tokens_of_a_registration_work(house: AccountHouse) -> None:
    answer = await house.register("ada")
    me = await house.call("GET", "/users/me", token=answer["access_token"])
    assert me.status == 200 and me.body == answer["user"]
    assert (await house.refresh(answer["refresh_token"])).status == 200


async def test_secrets_are_stored_nowhere(house: AccountHouse) -> None:
    answer = await house.register("ada")
    for table in ("event", "session", "refresh_token", "credential", "account", "idempotency"):
        text = str(await house.sql(f"select t::text from {table} t"))
        assert PASSWORD not in text and answer["refresh_token"] not in text and answer["access_token"] not in text
    assert "argon2" not in str(await house.sql("select body from event"))


@pytest.mark.parametrize("other", [{"username": "ADA"}, {"email": "ADA@EXAMPLE.ORG"}])
async def test_names_are_unique_whatever_their_case(house: AccountHouse, other: dict[str, str]) -> None:
    await house.register("ada")
    body = {"username": "bob", "email": "bob@example.org", "password": PASSWORD, **other}
    answer = await house.call("POST", "/users/register", body)
    assert answer.refusal == (409, "conflict") and answer["field"] in other


async def test_of_many_registrations_of_one_name_at_once_one_wins(house: AccountHouse) -> None:
    names = [{"username": "ada", "email": f"{n}@example.org", "password": PASSWORD} for n in range(10)]
    answers = await asyncio.gather(*(house.call("POST", "/users/register", body) for body in names))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 9
    for table in ("account", "credential", "profile", "quota", "session", "refresh_token"):
        assert len(await house.sql(f"select from {table}")) == 1
    assert len(await house.sql("select from event")) == 2


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        pytest.param({"username": "ab"}, "$.username", id="short name"),
        pytest.param({"username": "a" * 51}, "$.username", id="long name"),
        pytest.param({"username": "ada\n"}, "$.username", id="name with a newline at its end"),
        pytest.param({"username": "ada lovelace"}, "$.username", id="name with a space"),
        pytest.param({"email": "ada"}, "$.email", id="no address"),
        pytest.param({"email": "a@b\r\nBcc: x@y"}, "$.email", id="address with a header"),
        pytest.param({"password": "1234567"}, "$.password", id="short password"),
        pytest.param({"password": "x" * 129}, "$.password", id="long password"),
        pytest.param({"phone": "call me"}, "$.phone", id="no phone"),
        pytest.param({"role": "admin"}, "$.role", id="unknown field"),
        pytest.param({"username": None}, "$.username", id="null"),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_path(
    house: AccountHouse, wrong: dict[str, Any], path: str
) -> None:
    body = {"username": "ada", "email": "ada@example.org", "password": PASSWORD, **wrong}
    answer = await house.call("POST", "/users/register", body)
    assert answer.refusal == (400, "invalid_request")
    assert [error["path"] for error in answer["errors"]] == [path]


async def test_a_replayed_registration_gets_fresh_tokens_and_no_second_account(house: AccountHouse) -> None:
    body = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}
    first = await house.call("POST", "/users/register", body, key="k1")
    again = await house.call("POST", "/users/register", body, key="k1")
    assert (first.status, again.status) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again["user"] == first["user"] and again["refresh_token"] != first["refresh_token"]
    assert (await house.call("GET", "/users/me", token=again["access_token"])).status == 200
    assert len(await house.sql("select from account")) == 1


async def test_a_replay_with_another_body_is_refused(house: AccountHouse) -> None:
    body = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}
    await house.call("POST", "/users/register", body, key="k1")
    answer = await house.call("POST", "/users/register", {**body, "password": "another one"}, key="k1")
    assert answer.refusal == (422, "unprocessable")


async def test_a_replay_after_the_password_changed_gets_no_tokens(house: AccountHouse) -> None:
    body = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}
    first = await house.call("POST", "/users/register", body, key="k1")
    change = {"current": PASSWORD, "new": "another password"}
    assert (await house.call("PUT", "/users/me/password", change, token=first["access_token"])).status == 200
    assert (await house.call("POST", "/users/register", body, key="k1")).refusal == (401, "unauthorized")
