"""What the messages of the house take at their bounds."""

import msgspec
import pytest

from actors.errors import InvalidRequest
from handlers.account import OPERATIONS as ACCOUNT
from handlers.decoding import Shape
from handlers.notification import OPERATIONS as NOTIFICATION
from handlers.operation import Operation

SOMEBODY = "0198b7a0-0000-7000-8000-00000000000a"


def operation(operations: list[Operation], name: str) -> Operation:
    return next(found for found in operations if found.message.__name__ == name)


def register(email: str) -> None:
    body = {"username": "ada", "email": email, "password": "correct horse"}
    Shape(operation(ACCOUNT, "Register")).read_body(msgspec.json.encode(body))


@pytest.mark.parametrize(
    "email", ["ada@localhost", "a.b+tag@mail.example.org", "o'brien@example.org", "ada@xn--bcher-kva.example"]
)
def test_an_address_is_what_mail_servers_take(email: str) -> None:
    register(email)


@pytest.mark.parametrize(
    "email",
    [
        pytest.param("\u00fa\u00be@\u0092\u00a3", id="control character"),
        pytest.param("ada@example.or\u212a", id="Kelvin sign, which folds to k"),
        pytest.param("ad\u0430@example.org", id="Cyrillic a"),
        pytest.param("ada@example.org*", id="no character of a name"),
        pytest.param(".ada@example.org", id="dot first"),
        pytest.param("a..da@example.org", id="two dots"),
        pytest.param("ada@-example.org", id="hyphen first"),
        pytest.param("ada@example..org", id="empty label"),
        pytest.param("ada@example.org.", id="dot at the end"),
        pytest.param("ada@example.org\n", id="newline at the end"),
        pytest.param("a" * 65 + "@example.org", id="long name"),
        pytest.param("a@" + "b" * 64, id="long label"),
        pytest.param("a@" + "b." * 126 + "org", id="longer than mail travels"),
    ],
)
def test_what_looks_like_an_address_and_is_none_is_refused(email: str) -> None:
    with pytest.raises(InvalidRequest):
        register(email)


def test_a_notification_to_as_many_people_as_may_be_named_fits_into_its_body() -> None:
    many = operation(NOTIFICATION, "NotifyMany")
    body = {"to": [SOMEBODY] * 10_000, "title": "\U0001f600" * 200, "body": "\U0001f600" * 4_000}
    raw = msgspec.json.encode(body)
    Shape(many).read_body(raw)
    assert len(raw) <= many.body_limit_bytes
