"""Changing and resetting passwords, proving addresses."""

import asyncio
from pathlib import Path

import pytest

from actors.errors import Conflict
from actors.messages.password import SetPassword
from actors.messages.user import User
from actors.runtime.message import ANONYMOUS
from tests.account.house import PASSWORD, AccountHouse, open_house

NEW = "another password"


async def test_changing_the_password_ends_the_other_sessions(house: AccountHouse) -> None:
    ada = await house.register("ada")
    other = await house.log_in("ada")
    change = {"current": PASSWORD, "new": NEW}
    answer = await house.call("PUT", "/users/me/password", change, token=ada["access_token"])
    assert answer.status == 200 and answer.body == ada["user"]
    assert (await house.call("GET", "/users/me", token=ada["access_token"])).status == 200
    assert (await house.refresh(ada["refresh_token"])).status == 200
    assert (await house.call("GET", "/users/me", token=other["access_token"])).status == 401
    assert (await house.refresh(other["refresh_token"])).status == 401
    assert (await house.log_in("ada")).status == 401 and (await house.log_in("ada", NEW)).status == 200
    [told] = house.told("account.sessions_ended")
    assert told["except_session_id"] and told["reason"] == "password_changed"


async def test_a_wrong_current_password_changes_nothing(house: AccountHouse) -> None:
    ada = await house.register("ada")
    change = {"current": "not hers", "new": NEW}
    answer = await house.call("PUT", "/users/me/password", change, token=ada["access_token"])
    assert answer.refusal == (403, "forbidden")
    assert (await house.log_in("ada")).status == 200


async def test_of_two_changes_that_saw_the_same_password_one_wins(house: AccountHouse) -> None:
    user_id = (await house.register("ada"))["user"]["id"]
    [row] = await house.sql("select password_hash from credential")
    account = house.system.ref("account", user_id)
    changes = [SetPassword(was=row["password_hash"], becomes=f"hash {n}") for n in range(2)]
    outcomes = await asyncio.gather(*(account.ask(change, ANONYMOUS) for change in changes), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [User, Conflict]
    [row] = await house.sql("select password_hash from credential")
    assert row["password_hash"] == "hash 0"
    assert len(house.told("account.password_changed")) == 1


async def test_a_reset_is_mailed_and_good_once(house: AccountHouse) -> None:
    ada = await house.register("ada")
    house.heard.mails.clear()
    answer = await house.call("POST", "/auth/password-reset", {"email": "ADA@example.org"})
    assert answer.status == 202
    [mail] = house.heard.mails
    assert (mail.purpose, mail.user_id) == ("password_reset", None)  # for whoever has the address
    body = {"token": mail.token, "password": NEW}
    confirmed = await house.call("POST", "/auth/password-reset/confirm", body)
    assert confirmed.status == 200 and confirmed["username"] == "ada"
    assert (await house.call("GET", "/users/me", token=ada["access_token"])).status == 401
    assert (await house.log_in("ada", NEW)).status == 200
    again = await house.call("POST", "/auth/password-reset/confirm", body)
    assert again.refusal == (400, "invalid_request") and again["errors"][0]["path"] == "$.token"
    assert mail.token not in str(await house.sql("select * from account_token"))
    [row] = await house.sql("select * from outgoing where type = 'password_reset'")
    assert row["user_id"] == ada["user"]["id"] and mail.token not in str(dict(row))


async def test_an_unknown_address_gets_the_same_answer_and_no_mail(house: AccountHouse) -> None:
    await house.register("ada")
    house.heard.mails.clear()
    known = await house.call("POST", "/auth/password-reset", {"email": "ada@example.org"})
    unknown = await house.call("POST", "/auth/password-reset", {"email": "nobody@example.org"})
    assert (known.status, known.body) == (unknown.status, unknown.body)
    assert known.headers.keys() == unknown.headers.keys()
    assert (
        len(house.heard.mails) == 1
        and len(await house.sql("select from account_token where purpose = 'password_reset'")) == 1
    )


async def test_of_many_uses_of_a_reset_token_at_once_one_wins(house: AccountHouse) -> None:
    await house.register("ada")
    house.heard.mails.clear()
    await house.call("POST", "/auth/password-reset", {"email": "ada@example.org"})
    token = house.heard.mails[0].token
    answers = await asyncio.gather(
        *(
            house.call("POST", "/auth/password-reset/confirm", {"token": token, "password": f"password {n}"})
            for n in range(5)
        )
    )
    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400, 400]


async def test_an_administrator_makes_a_reset_token_without_mail(database_dsn: str, tmp_path: Path) -> None:
    async with open_house(database_dsn, tmp_path, mail=False) as house:
        root, ada = await house.person("root", "admin"), await house.register("ada")
        path = f"/users/{ada['user']['id']}/password-reset"
        made = await house.call("POST", path, token=root["access_token"])
        assert made.status == 201 and made.body.keys() == {"token", "expires_at"}
        other = await house.call("POST", path, token=root["access_token"])
        body = {"token": made["token"], "password": NEW}
        assert (await house.call("POST", "/auth/password-reset/confirm", body)).status == 200
        assert (await house.log_in("ada", NEW)).status == 200
        body = {"token": other["token"], "password": "a third one"}
        assert (await house.call("POST", "/auth/password-reset/confirm", body)).status == 400  # ended with the first
        assert house.told("account.password_reset_issued")[0]["user_id"] == ada["user"]["id"]


async def test_a_reset_token_is_told_once_under_a_key(house: AccountHouse) -> None:
    root, ada = await house.person("root", "admin"), await house.register("ada")
    path, token = f"/users/{ada['user']['id']}/password-reset", root["access_token"]
    assert (await house.call("POST", path, token=token, key="k")).status == 201
    assert (await house.call("POST", path, token=token, key="k")).refusal == (409, "conflict")
    assert len(house.told("account.password_reset_issued")) == 1


@pytest.mark.parametrize("route", ["/auth/password-reset/confirm", "/auth/verify-email"])
async def test_tokens_that_ended_or_serve_another_purpose_are_refused(house: AccountHouse, route: str) -> None:
    await house.register("ada")
    await house.call("POST", "/auth/password-reset", {"email": "ada@example.org"})
    proof, reset = house.heard.mails
    extra = {"password": NEW} if "password" in route else {}
    wrong = proof if extra else reset
    right = reset if extra else proof
    for token in ("nonsense", wrong.token):
        answer = await house.call("POST", route, {"token": token, **extra})
        assert answer.refusal == (400, "invalid_request")
    await house.sql("update account_token set expires_at = now() - interval '1 s'")
    assert (await house.call("POST", route, {"token": right.token, **extra})).status == 400


async def test_an_address_is_proved_by_the_token_that_was_mailed_to_it(house: AccountHouse) -> None:
    ada = await house.register("ada")
    [mail] = house.heard.mails
    assert (mail.address, mail.purpose) == ("ada@example.org", "verify_email")
    answer = await house.call("POST", "/auth/verify-email", {"token": mail.token})
    assert answer.status == 200 and answer.body == ada["user"]
    assert (await house.sql("select email_verified_at from account"))[0]["email_verified_at"] is not None
    assert (await house.call("POST", "/auth/verify-email", {"token": mail.token})).status == 400


async def test_a_new_address_has_to_be_proved_anew(house: AccountHouse) -> None:
    ada = await house.register("ada")
    await house.call("POST", "/auth/verify-email", {"token": house.heard.mails[0].token})
    await house.call("PATCH", "/users/me", {"email": "new@example.org"}, token=ada["access_token"])
    assert (await house.sql("select email_verified_at from account"))[0]["email_verified_at"] is None
    mail = house.heard.mails[-1]
    assert mail.address == "new@example.org"
    await house.call("PATCH", "/users/me", {"email": "third@example.org"}, token=ada["access_token"])
    answer = await house.call("POST", "/auth/verify-email", {"token": mail.token})
    assert answer.refusal == (409, "conflict")  # the token proves an address that is no longer hers
