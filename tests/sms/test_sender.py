"""What a provider is asked, and what its answers mean."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import msgspec
import pytest

from actors.outgoing.port import Deferred, Entry, Parcel, Recipient, Rejected
from actors.outgoing.retry_after import read_retry_after
from actors.outgoing.sms import SmsBook, SmsSender, SmsSettings
from actors.outgoing.sms.sender import normalise
from actors.runtime.clock import SystemClock
from actors.runtime.ids import uuid7
from app.config_sources import ConfigError, load
from storage.postgres import Database
from storage.queries import Statement
from storage.sms import SmsStore
from tests.sms.provider import Provider

NUMBER = "+491701234567"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Basic {token}"}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as opened:
        yield opened


def parcel(**fields: Any) -> Parcel:
    plain = Entry("row", "notice", "system", "Hello", "How are you?", {}, "normal", datetime.now(UTC))
    return Parcel("parcel-1", uuid7(), "ada", NUMBER, [plain._replace(**fields)])


def sender(session: aiohttp.ClientSession, provider: Provider, **settings: Any) -> SmsSender:
    return SmsSender(SmsSettings(url=provider.url, **settings), session, SystemClock())


async def test_the_plainest_provider_gets_json(session: aiohttp.ClientSession, provider: Provider) -> None:
    await sender(session, provider).send(parcel())

    [asked] = provider.asked
    assert (asked.method, asked.path, asked.headers["Content-Type"]) == ("POST", "/messages", "application/json")
    assert msgspec.json.decode(asked.body) == {"to": NUMBER, "text": "Hello: How are you?"}


async def test_a_form_a_token_and_an_id_go_where_the_templates_say(
    session: aiohttp.ClientSession, provider: Provider
) -> None:
    settings = {"headers": {**FORM, "Idempotency-Key": "{id}"}, "body": "From=%2B15550100&To={to}&Body={text}"}
    await sender(session, provider, method="PUT", token="c2lk", **settings).send(parcel(title="50% & more", body=""))

    [asked] = provider.asked
    assert parse_qs(asked.body) == {"From": ["+15550100"], "To": [NUMBER], "Body": ["50% & more"]}
    assert (asked.method, asked.headers["Authorization"]) == ("PUT", "Basic c2lk")
    assert asked.headers["Idempotency-Key"] == "parcel-1"


async def test_a_plain_address_will_do(session: aiohttp.ClientSession, provider: Provider) -> None:
    url = f"{provider.url}/{{id}}?key={{token}}&to={{to}}&text={{text}}"
    plain = SmsSettings(url=url, method="GET", body="", token="a&b=c")
    await SmsSender(plain, session, SystemClock()).send(parcel(title="50% & {to}", body=""))

    [asked] = provider.asked
    path, _, query = asked.path.partition("?")
    assert (asked.method, path, asked.body) == ("GET", "/messages/parcel-1", "")
    assert parse_qs(query) == {"key": ["a&b=c"], "to": [NUMBER], "text": ["50% & {to}"]}


@pytest.mark.parametrize("text", ['","to":"+1', "{token}{to}", "\\", "a\nb\x01", "語🙂", "&To=%2B1"])
async def test_what_a_text_says_changes_nothing_but_the_text(
    session: aiohttp.ClientSession, provider: Provider, text: str
) -> None:
    await sender(session, provider, token="secret").send(parcel(title=text, body=""))
    form = sender(session, provider, token="secret", headers=FORM, body="To={to}&Body={text}")
    await form.send(parcel(title=text, body=""))

    expected = " ".join(text.split())
    assert msgspec.json.decode(provider.asked[0].body) == {"to": NUMBER, "text": expected}
    assert parse_qs(provider.asked[1].body) == {"To": [NUMBER], "Body": [expected]}


async def test_a_long_text_is_cut(session: aiohttp.ClientSession, provider: Provider) -> None:
    await sender(session, provider, text_chars=20).send(parcel(body="x" * 4_000))

    assert msgspec.json.decode(provider.asked[0].body)["text"] == f"Hello: {'x' * 12}…"


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (200, None), (204, None),
        (400, Rejected), (403, Rejected), (404, Rejected), (422, Rejected),
        (408, Deferred), (429, Deferred),
        (302, ConnectionError), (401, ConnectionError), (402, ConnectionError), (500, ConnectionError),
    ],
)  # fmt: skip
async def test_statuses_mean(
    session: aiohttp.ClientSession, provider: Provider, status: int, meaning: type[Exception] | None
) -> None:
    provider.answers = [(status, {"Retry-After": "9", "Location": "/elsewhere"})]
    if meaning is None:
        await sender(session, provider).send(parcel())
        return

    with pytest.raises(meaning) as answer:
        await sender(session, provider, token="secret").send(parcel())

    assert type(answer.value) is meaning
    assert NUMBER not in str(answer.value)
    assert getattr(answer.value, "after_seconds", 9) == 9
    assert len(provider.asked) == 1


async def test_success_is_what_the_settings_call_so(session: aiohttp.ClientSession, provider: Provider) -> None:
    provider.answers = [(409, {}), (200, {})]
    strict = sender(session, provider, success=[409])

    await strict.send(parcel())
    with pytest.raises(ConnectionError):
        await strict.send(parcel())


async def test_a_provider_that_is_not_there_is_the_channels_trouble(
    session: aiohttp.ClientSession, provider: Provider
) -> None:
    await provider.stop()
    with pytest.raises(ConnectionError) as answer:
        await sender(session, provider).send(parcel())
    assert str(provider.port) not in str(answer.value)

    await provider.start()
    await sender(session, provider).send(parcel())
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("phone", "code", "number"),
    [
        ("+49 (170) 123-4567", "", NUMBER),
        ("0049 170 1234567", "", NUMBER),
        ("0170 1234567", "+49", NUMBER),
        ("0170 1234567", "", None),
        ("+0170 1234567", "+49", None),
        ("+12", "", None),
    ],
)
def test_numbers_are_made_international(phone: str, code: str, number: str | None) -> None:
    assert normalise(phone, code) == number


async def test_people_are_reached_by_the_phone_of_their_account(database_dsn: str) -> None:
    database = await Database.open(database_dsn, "test", pool_size=1)
    try:
        people = {name: uuid7() for name in ("ada", "ben", "cy", "dan")}
        add = Statement(
            "add",
            "insert into account (id, n, username, phone, role, status, created_at)"
            " select *, now() from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])",
            "exec",
        )
        rows = [
            (people["ada"], 1, "ada", "0170 1234567", "user", "active"),
            (people["ben"], 1, "ben", None, "user", "active"),
            (people["cy"], 1, "cy", "1234", "user", "active"),
            (people["dan"], 1, "dan", NUMBER, "user", "blocked"),
        ]  # fmt: skip
        await database.execute(add, *map(list, zip(*rows, strict=True)))
        book = SmsBook(SmsStore(database), "+49")

        found = [await book.reach(Recipient(person, "system")) for person in [*people.values(), uuid7()]]
    finally:
        await database.close()
    assert [(reach.username, list(reach.addresses)) for reach in found] == [
        ("ada", [NUMBER]), ("ben", []), ("cy", []), ("dan", []), ("", []),
    ]  # fmt: skip
    assert len({reach.reason for reach in found[1:]}) == 4


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('url = "sms.example"', "https://"),
        ('headers = { Authorization = "Bearer abc" }', "POSTHOUSE_SMS_TOKEN"),
        ('headers = { Content-Type = "text/xml" }', "application/json"),
        ('body = "{number}"', "there is no {number}"),
        ('country_code = "49"', "country_code"),
        ('token = "abc"', "POSTHOUSE_SMS_TOKEN"),
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Any, text: str, says: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"[sms]\n{text}\n")
    with pytest.raises(ConfigError, match=says):
        load(file, {})


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 0), ("5", 5), ("", 0), ("-5", 0), ("\u0665", 0), ("9" * 50, 86_400), ("soon", 0), ("Wed, 21 Oct 2015", 0)],
)
def test_retry_after_is_believed_for_a_day_at_most(header: str | None, seconds: float) -> None:
    assert read_retry_after(header, datetime.now(UTC)) == seconds


def test_retry_after_may_be_a_moment() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for zone in ("GMT", "-0000"):
        at = (now + timedelta(seconds=90)).strftime(f"%a, %d %b %Y %H:%M:%S {zone}")
        assert read_retry_after(at, now) == 90
