"""What reaches a person, and where: preferences, quiet hours, priorities."""

from datetime import UTC, datetime
from typing import Any

import pytest

from actors.errors import InvalidRequest
from actors.messages.notification import (
    ChangePreferences,
    Channel,
    GetPreferences,
    Notice,
    Preferences,
    QuietHours,
    TypePreference,
)
from actors.notification.inbox import MOST_TYPES
from actors.notification.quiet import after_quiet, is_quiet
from actors.runtime.message import Caller
from tests.notification.house import NotifiedHouse

ALWAYS_QUIET = QuietHours(from_="00:00", to="00:00")


def notice(number: int = 1, **fields: Any) -> Notice:
    return Notice(**{"source": f"task:x:{number}", "type": "task", "title": "News", **fields})


async def prefer(house: NotifiedHouse, person: Caller, **fields: Any) -> Preferences:
    changed: Preferences = await house.inbox(person, ChangePreferences(**fields))
    return changed


async def told(house: NotifiedHouse, person: Caller) -> list[str]:
    """Titles that the person's channel has told."""
    return [event["notification"]["title"] for event in await house.stream(person) if "notification" in event]


async def titles(house: NotifiedHouse, person: Caller) -> list[str]:
    """Titles in the inbox."""
    return [entry.title for entry in await house.entries(person)]


@pytest.mark.parametrize(
    ("preferred", "asked", "is_entry", "is_told"),
    [
        (None, None, True, True),
        (["inbox"], None, True, False),
        (["realtime"], None, False, True),
        ([], None, False, False),
        (["email"], None, False, False),
        (None, ("inbox",), True, False),
        (["inbox"], ("inbox", "realtime"), True, False),
        (["inbox", "realtime"], ("realtime",), False, True),
    ],
)
async def test_a_notice_goes_where_the_person_and_the_sender_both_want_it(
    house: NotifiedHouse,
    preferred: list[Channel] | None,
    asked: tuple[Channel, ...] | None,
    is_entry: bool,  # noqa: FBT001
    is_told: bool,  # noqa: FBT001
) -> None:
    ada = await house.person()
    if preferred is not None:
        await prefer(house, ada, types={"task": TypePreference(preferred)})

    await house.take(ada, notice(channels=asked))

    assert await titles(house, ada) == ["News"] * is_entry
    assert await told(house, ada) == ["News"] * is_told


async def test_a_preference_concerns_its_own_type_only(house: NotifiedHouse) -> None:
    ada = await house.person()
    await prefer(house, ada, types={"task": TypePreference([])})

    await house.take(ada, notice(1), notice(2, type="system", title="Other"))

    assert (await titles(house, ada), await told(house, ada)) == (["Other"], ["Other"])


async def test_quiet_hours_hold_back_what_is_not_critical(house: NotifiedHouse) -> None:
    ada = await house.person()
    await prefer(house, ada, quiet_hours=ALWAYS_QUIET)

    await house.take(ada, notice(1, title="high", priority="high"), notice(2, title="critical", priority="critical"))

    assert sorted(await titles(house, ada)) == ["critical", "high"]
    assert await told(house, ada) == ["critical"]


async def test_what_is_named_changes_and_the_rest_stays(house: NotifiedHouse) -> None:
    ada = await house.person()
    assert await house.inbox(ada, GetPreferences()) == Preferences()

    await prefer(house, ada, types={"task": TypePreference(["inbox"])})
    await prefer(house, ada, quiet_hours=ALWAYS_QUIET)
    await prefer(house, ada, types={"system": TypePreference([])})

    expected = Preferences(
        types={"task": TypePreference(["inbox"]), "system": TypePreference([])}, quiet_hours=ALWAYS_QUIET
    )
    assert await house.inbox(ada, GetPreferences()) == expected
    assert (await prefer(house, ada, quiet_hours=None)).quiet_hours is None


async def test_a_time_zone_must_exist(house: NotifiedHouse) -> None:
    ada = await house.person()
    for zone in ("Europe/Atlantis", "../../etc/passwd", "/etc/localtime", "localtime", ""):
        with pytest.raises(InvalidRequest):
            await prefer(house, ada, quiet_hours=QuietHours(from_="22:00", to="07:00", time_zone=zone))


async def test_preferences_do_not_grow_without_bound(house: NotifiedHouse) -> None:
    ada = await house.person()
    await prefer(house, ada, types={f"a{n}": TypePreference([]) for n in range(MOST_TYPES)})
    await prefer(house, ada, types={"a0": TypePreference(["inbox"])})
    with pytest.raises(InvalidRequest):
        await prefer(house, ada, types={"b": TypePreference([])})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "zone", "now", "quiet"),
    [
        ("22:00", "07:00", "UTC", "2026-01-01T21:59:59", False),
        ("22:00", "07:00", "UTC", "2026-01-01T22:00:00", True),
        ("22:00", "07:00", "UTC", "2026-01-01T00:00:00", True),
        ("22:00", "07:00", "UTC", "2026-01-01T06:59:59", True),
        ("22:00", "07:00", "UTC", "2026-01-01T07:00:00", False),
        ("12:00", "13:00", "UTC", "2026-01-01T12:30:00", True),
        ("12:00", "13:00", "UTC", "2026-01-01T13:00:00", False),
        ("08:00", "08:00", "UTC", "2026-01-01T15:00:00", True),  # equal ends: the whole day
        ("22:00", "07:00", "Europe/Berlin", "2026-01-01T21:30:00", True),  # 22:30 in winter
        ("22:00", "07:00", "Europe/Berlin", "2026-07-01T05:30:00", False),  # 07:30 in summer
        ("22:00", "07:00", "America/New_York", "2026-01-01T12:30:00", False),  # 07:30
        ("22:00", "07:00", "Asia/Kolkata", "2026-01-01T01:00:00", True),  # 06:30
        ("22:00", "07:00", "Gone/Zone", "2026-01-01T23:00:00", True),  # a machine without it reads UTC
    ],
)
def test_quiet_hours_follow_the_persons_own_clock(
    start: str,
    end: str,
    zone: str,
    now: str,
    quiet: bool,  # noqa: FBT001
) -> None:
    assert is_quiet(QuietHours(from_=start, to=end, time_zone=zone), at(now)) is quiet


def test_without_quiet_hours_nothing_is_quiet() -> None:
    assert not is_quiet(None, at("2026-01-01T00:00:00"))


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-10-24T21:00", "2026-10-25T00:30"),  # 23:00 in summer
        ("2026-10-25T00:15", "2026-10-25T00:30"),  # 02:15, the first time
        ("2026-10-25T01:15", "2026-10-25T01:30"),  # 02:15, the second time
        ("2026-10-25T21:00", "2026-10-26T01:30"),  # 22:00 in winter
        ("2027-03-27T22:00", "2027-03-28T01:30"),  # the night without 02:30
    ],
)
def test_quiet_hours_end_after_they_began_where_clocks_change(at: str, until: str) -> None:
    quiet = QuietHours(from_="22:00", to="02:30", time_zone="Europe/Berlin")
    moment = datetime.fromisoformat(f"{at}+00:00")
    assert is_quiet(quiet, moment)
    assert after_quiet(quiet, moment) == datetime.fromisoformat(f"{until}+00:00")
