"""From an administrator's notification to the provider, through the whole house."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.outgoing.settings import OutgoingSettings
from actors.outgoing.sms import SmsSettings
from app.cli import dispatch
from tests.notification.house import until
from tests.push.house import PushingHouse, open_pushing
from tests.sms.provider import Provider

QUICK = OutgoingSettings(retry_seconds=[0.05], poll_seconds=0.1, breaker_failures=2, breaker_seconds=0.2)
NUMBER = "+491701234567"


def settings(provider: Provider) -> SmsSettings:
    return SmsSettings(
        url=provider.url, headers={"Authorization": "Bearer {token}", "X-Id": "{id}"}, token="a-token-of-ours"
    )


async def notify(house: PushingHouse, title: str, *people: str) -> None:
    body = {"to": list(people), "title": title, "body": "From 23:00.", "channels": ["sms"]}
    await house.call("POST", "/notifications", house.served.admin.token, body, expect=202)


async def ended(house: PushingHouse, count: int) -> list[tuple[str, str | None]]:
    """Wait until so many rows have ended, and return how and why, by their age."""

    async def all_ended() -> list[Any] | None:
        rows = await house.sql("select state, error from outgoing order by id")
        return rows if len(rows) == count and all(row["state"] != "waiting" for row in rows) else None

    return [(row["state"], row["error"]) for row in await until(all_ended)]


async def with_phone(house: PushingHouse) -> str:
    ada = house.served.ada
    await house.call("PATCH", "/users/me", ada.token, {"phone": "+49 (170) 123-4567"})
    return ada.id


async def test_a_notification_reaches_a_phone_and_nobody_without_one(
    database_dsn: str, tmp_path: Path, provider: Provider
) -> None:
    async with open_pushing(database_dsn, tmp_path, outgoing=QUICK, sms=settings(provider)) as house:
        await notify(house, "Maintenance", await with_phone(house), house.served.admin.id)

        assert sorted(await ended(house, 2), key=str) == [("dropped", "no phone number"), ("sent", None)]
    [asked] = provider.asked
    assert msgspec.json.decode(asked.body) == {"to": NUMBER, "text": "Maintenance: From 23:00."}
    assert asked.headers["Authorization"] == "Bearer a-token-of-ours"


async def test_what_the_provider_refuses_is_dead_at_once_and_tells_no_number(
    database_dsn: str, tmp_path: Path, provider: Provider
) -> None:
    provider.answers = [(400, {})]
    async with open_pushing(database_dsn, tmp_path, outgoing=QUICK, sms=settings(provider)) as house:
        await notify(house, "Maintenance", await with_phone(house))
        assert await ended(house, 1) == [("dead", "Rejected: the SMS provider answered 400")]
    assert len(provider.asked) == 1
    said = (tmp_path / "house.log").read_text()
    assert "sms_dead" in said
    for secret in (NUMBER, "1234567", "a-token-of-ours", "From 23:00"):
        assert secret not in said


async def test_while_the_provider_is_down_messages_wait_and_then_arrive_once(
    database_dsn: str, tmp_path: Path, provider: Provider
) -> None:
    async with open_pushing(database_dsn, tmp_path, outgoing=QUICK, sms=settings(provider)) as house:
        ada = await with_phone(house)
        await provider.stop()
        for number in range(3):
            await notify(house, f"Number {number}", ada)
        await until(lambda: house.sql("select from outgoing having sum(attempts) > 3 or count(error) = 3"))
        assert {row["state"] for row in await house.sql("select state from outgoing")} == {"waiting"}

        await provider.start()

        assert await ended(house, 3) == [("sent", None)] * 3
    texts = [msgspec.json.decode(asked.body)["text"] for asked in provider.asked]
    assert sorted(texts) == [f"Number {number}: From 23:00." for number in range(3)]
    assert len({asked.headers["X-Id"] for asked in provider.asked}) == 3


async def test_without_a_provider_nothing_waits_and_the_log_says_so(database_dsn: str, tmp_path: Path) -> None:
    async with open_pushing(database_dsn, tmp_path, outgoing=QUICK) as house:
        await notify(house, "Maintenance", await with_phone(house))
        await until(lambda: house.sql("select from notification_job where finished"))
        assert await house.sql("select from outgoing") == []
    assert '"sms_off"' in (tmp_path / "house.log").read_text()


def test_check_config_shows_where_messages_go_and_not_the_token(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTHOUSE_SMS_URL", "https://sms.example/messages")
    monkeypatch.setenv("POSTHOUSE_SMS_TOKEN", "a-token-of-ours")
    assert dispatch.main(["check-config"]) == 0
    said = capsys.readouterr().out

    assert "sms:  sms.example" in said
    assert "a-token-of-ours" not in said
