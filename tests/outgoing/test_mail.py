"""What mails look like, and what nobody can put into them."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.outgoing.mail import MOST_ENTRIES, compose, digest, subject
from actors.outgoing.masking import MOST_CHARACTERS, describe, mask
from actors.outgoing.port import Entry, Parcel, Rejected
from actors.outgoing.seal import KEY_BYTES, Seal, Unreadable
from actors.outgoing.settings import EmailSettings, OutgoingSettings
from tests.outgoing.mail_server import html_of, text_of

SETTINGS = EmailSettings(host="mail.example", sender="Post <post@house.example>")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def entry(title: str, body: str = "", **fields: Any) -> Entry:
    return Entry(**{
        "id": "1", "notification_id": None, "type": "system", "title": title, "body": body, "data": {},
        "priority": "normal", "created_at": NOW, **fields,
    })  # fmt: skip


def parcel(*entries: Entry, address: str = "ada@example.org") -> Parcel:
    return Parcel("17", "u", "ada", address, entries)


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert attrs == []
        self.names.add(tag)


@given(title=st.text(min_size=1), body=st.text(max_size=200))
def test_no_text_makes_a_header_or_a_tag(title: str, body: str) -> None:
    made = parcel(entry(title, body))
    try:
        mail = compose(digest(made, SETTINGS), made, SETTINGS, NOW)
        mail.as_bytes()
    except UnicodeEncodeError:
        assert any("\ud800" <= one <= "\udfff" for one in title + body)  # which JSON from outside cannot hold
        return
    names = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"}
    assert set(mail.keys()) == names
    assert "\n" not in mail["Subject"] and "\r" not in mail["Subject"]
    assert Tags(html_of(mail)).names <= {"html", "body", "p", "b", "br", "small"}


def test_the_same_parcel_has_the_same_name_at_every_attempt() -> None:
    made = parcel(entry("a"))
    first, second = (compose(digest(made, SETTINGS), made, SETTINGS, NOW) for _ in range(2))
    assert first["Message-ID"] == second["Message-ID"] == "<17@house.example>"
    assert first["Date"] == "Fri, 02 Jan 2026 03:04:05 +0000"


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        (["ben"], "ben"),
        (["ben", "ben"], "2 new notifications: ben"),
        (["ben", "cyd", "ben"], "3 new notifications: ben, cyd"),
        (["a", "b", "c", "d", "e"], "5 new notifications: a, b, c and 2 more"),
    ],
)
def test_the_subject_says_how_many_and_from_whom(titles: list[str], expected: str) -> None:
    assert subject([entry(title) for title in titles]) == expected


def test_a_large_digest_says_how_much_it_does_not_show() -> None:
    made = parcel(*(entry(f"Title {n}.", "x" * 5_000) for n in range(MOST_ENTRIES + 7)))
    text = text_of(compose(digest(made, SETTINGS), made, SETTINGS, NOW))
    assert f"Title {MOST_ENTRIES - 1}." in text and f"Title {MOST_ENTRIES}." not in text
    assert "... and 7 more." in text and len(text) < 50_000


@pytest.mark.parametrize("address", ["nobody", "a@b\r\nBcc: c@d", "", "a b@c"])
def test_what_is_no_address_is_refused(address: str) -> None:
    made = parcel(entry("a"), address=address)
    with pytest.raises(Rejected):
        compose(digest(made, SETTINGS), made, SETTINGS, NOW)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("550 <ada.l@example.org>: no", "550 <ad***@example.org>: no"),
        ("a@b, long.name+tag@c.example", "a***@b, lo***@c.example"),
        ("two\nlines", "two lines"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_addresses_are_masked(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert describe(ValueError(text)) == f"ValueError: {masked}"
    assert len(mask(text * 1_000)) <= MOST_CHARACTERS


def test_what_is_sealed_opens_for_its_own_row_and_key_only() -> None:
    seal = Seal(bytes(KEY_BYTES))
    sealed = seal.close(b"token", "row")
    assert b"token" not in sealed and sealed != seal.close(b"token", "row")
    assert seal.open(sealed, "row") == b"token"
    for other, text, row in (
        (Seal(bytes([1] * KEY_BYTES)), sealed, "row"),
        (seal, sealed, "another row"),
        (seal, sealed[:-1] + bytes([sealed[-1] ^ 1]), "row"),
        (seal, b"", "row"),
    ):
        with pytest.raises(Unreadable):
            other.open(text, row)


@pytest.mark.parametrize(
    "fields",
    [
        {"host": "mail.example"},
        {"host": "mail.example", "sender": "a@b", "username": "u", "tls": "none"},
        {"password_reset_link": "https://app.example/reset"},
    ],
)
def test_settings_that_cannot_work_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"sender|clear|token"):
        EmailSettings(**fields)
    with pytest.raises(ValueError, match="lease_seconds"):
        OutgoingSettings(lease_seconds=10.0)
