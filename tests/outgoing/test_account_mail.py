"""One-time tokens by mail: from the request to the new password, and nowhere to be read on the way."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.notification.house import until
from tests.outgoing.house import MailedHouse, open_mailed, token_of
from tests.outgoing.mail_server import MailServer, html_of, text_of
from tests.outgoing.world import email_settings

NEW = "another horse"


async def ask_reset(house: MailedHouse, email: str) -> None:
    await house.call("POST", "/auth/password-reset", "", {"email": email}, expect=202)


async def log_in(house: MailedHouse, password: str, *, expect: int = 200) -> None:
    await house.call("POST", "/users/login", "", {"login": "ada", "password": password}, expect=expect)


async def everything_stored(house: MailedHouse) -> str:
    """All rows of all tables, and the log, as text."""
    tables = await house.sql("select tablename::text as name from pg_tables where schemaname = 'public'")
    rows: list[Any] = []
    for table in tables:
        rows += await house.sql(f"select row_to_json(t)::text as row from {table['name']} t")
    lines = await house.system("/logs?level=debug&limit=1000")
    return "\n".join(str(row["row"]) for row in rows) + json.dumps(lines)


async def test_a_password_is_set_anew_with_what_came_by_mail(house: MailedHouse) -> None:
    await house.proved("ada")
    await ask_reset(house, "ADA@example.org")
    [mail] = await house.mailed("ada")
    assert (mail["Subject"], mail["To"]) == ("Set a new password", "ada@example.org")
    body = {"token": token_of(mail), "password": NEW}
    await house.call("POST", "/auth/password-reset/confirm", "", body)

    await log_in(house, NEW)
    await log_in(house, "correct horse", expect=401)
    await house.call("POST", "/auth/password-reset/confirm", "", body, expect=400)


async def test_an_address_that_nobody_has_gets_the_same_answer_and_no_mail(house: MailedHouse) -> None:
    await ask_reset(house, "nobody@example.org")
    await house.proved("ada")  # whose mail comes after the other one would have

    assert house.server.mails == []
    assert await house.sql("select from outgoing where type = 'password_reset'") == []


async def test_nobody_but_the_reader_sees_a_token(house: MailedHouse) -> None:
    ada = await house.proved("ada")
    house.server.refusals["ada@example.org"] = "451 later"
    await ask_reset(house, "ada@example.org")
    await until(lambda: has_failed(house))
    waiting = await everything_stored(house)
    listed = json.dumps(await house.system(f"/outgoing?user_id={ada.id}"))
    house.server.refusals.clear()
    [mail] = await house.mailed("ada")
    await until(lambda: house.sql("select from outgoing where type = 'password_reset' and sealed is null"))
    token = token_of(mail)

    assert "password_reset" in waiting and "password_reset" in listed
    assert token not in waiting and token not in listed and token not in await everything_stored(house)
    assert token.encode().hex() not in waiting  # bytea is shown so
    assert "ada@example.org" not in json.dumps(await house.system("/logs?level=debug&limit=1000"))


async def has_failed(house: MailedHouse) -> bool:
    lines = await house.system("/logs?level=debug&event=mail_failed")
    return bool(lines["items"])


async def test_a_reset_that_was_accepted_survives_the_house_and_a_server_that_is_down(
    database_dsn: str, tmp_path: Path, server: MailServer
) -> None:
    async with open_mailed(database_dsn, tmp_path, email_settings(server), server) as house:
        await house.proved("ada")
        await server.stop()
        await ask_reset(house, "ada@example.org")
    await server.start()
    assert server.mails == []
    async with reopened(database_dsn, tmp_path, server) as again:
        [mail] = await again.mailed("ada")
        await again.call("POST", "/auth/password-reset/confirm", "", {"token": token_of(mail), "password": NEW})


def reopened(dsn: str, folder: Path, server: MailServer) -> Any:
    return open_mailed(dsn, folder, email_settings(server), server, is_new=False)


async def test_a_token_that_is_over_is_not_mailed(house: MailedHouse) -> None:
    ada = await house.proved("ada")
    house.server.refusals["ada@example.org"] = "451 later"
    await ask_reset(house, "ada@example.org")
    await until(lambda: has_failed(house))
    await house.sql("update outgoing set expires_at = now() where type = 'password_reset' returning id")
    row = await house.row_in(ada, "dropped")

    assert (row["error"], row["sealed"]) == ("too late", None)


async def test_a_mail_proves_the_address_that_it_was_written_to_and_no_later_one(house: MailedHouse) -> None:
    ada = await house.proved("ada")
    house.server.refusals["first@example.org"] = "451 later"
    await house.call("PATCH", "/users/me", ada.token, {"email": "first@example.org"})
    await until(lambda: has_failed(house))
    await house.call("PATCH", "/users/me", ada.token, {"email": "second@example.org"})
    [mail] = await house.mailed("second")
    await house.call("POST", "/auth/verify-email", "", {"token": token_of(mail)})

    states = await until(lambda: ended_states(house, ada.id))
    assert sorted(states) == ["dead", "sent", "sent"]
    assert house.mails("first") == []


async def ended_states(house: MailedHouse, user_id: str) -> list[str]:
    rows = await house.sql("select state from outgoing where user_id = $1", user_id)
    states = [row["state"] for row in rows]
    return [] if "waiting" in states else states


@pytest.fixture
async def linking(database_dsn: str, tmp_path: Path, server: MailServer) -> AsyncIterator[MailedHouse]:
    """A house that has pages for tokens."""
    links = {
        "password_reset_link": "https://app.example/reset?a=1&t={token}",
        "preferences_link": "https://app.example/me",
    }
    async with open_mailed(database_dsn, tmp_path, email_settings(server, **links), server) as opened:
        yield opened


async def test_a_mail_leads_to_the_page_that_takes_its_token(linking: MailedHouse) -> None:
    await linking.proved("ada")
    await ask_reset(linking, "ada@example.org")
    [mail] = await linking.mailed("ada")
    [line] = (line for line in text_of(mail).splitlines() if line.startswith("https://"))

    assert f"{line.replace('&', '&amp;')}" in html_of(mail)
    assert mail["List-Unsubscribe"] == "<https://app.example/me>"
    body = {"token": line.rpartition("t=")[2], "password": NEW}
    await linking.call("POST", "/auth/password-reset/confirm", "", body)


async def test_the_answer_waits_for_no_mail_server(house: MailedHouse) -> None:
    await house.proved("ada")
    house.server.delay_seconds = 1.5
    loop = asyncio.get_running_loop()
    start = loop.time()
    await ask_reset(house, "ada@example.org")
    assert loop.time() - start < 1.0
