"""Talking to mail servers that insist on encryption and a login, and to such that are no mail servers."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actors.outgoing.port import Deferred, Entry, Parcel, Rejected
from actors.outgoing.smtp import SmtpSender
from actors.runtime.clock import SystemClock
from tests.outgoing.mail_server import HOST, MailServer, make_tls
from tests.outgoing.world import SEAL, email_settings

LOGIN = ("posthouse", "secret")


def parcel(address: str = "ada@example.org", sealed: bytes | None = None, kind: str = "system") -> Parcel:
    entry = Entry("1", None, kind, "News", "", {}, "normal", datetime.now(UTC), sealed)
    return Parcel("17", "u", "ada", address, [entry])


def sender(server: MailServer, trust: ssl.SSLContext | None = None, **fields: Any) -> SmtpSender:
    tls = None if trust is None else lambda: trust
    return SmtpSender(email_settings(server, **fields), SEAL, SystemClock(), tls=tls)


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[tuple[MailServer, ssl.SSLContext]]:
    """A server that takes mail over TLS only, and from those who log in; and what trusts it."""
    context, trust = make_tls(tmp_path)
    server = MailServer(tls=context, login=LOGIN)
    await server.start()
    yield server, trust
    await server.stop()


async def test_it_encrypts_and_logs_in(strict: tuple[MailServer, ssl.SSLContext]) -> None:
    server, trust = strict
    await sender(server, trust, tls="starttls", username=LOGIN[0], password=LOGIN[1]).send(parcel())
    assert [mail["Subject"] for mail in server.mails] == ["News"]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"tls": "starttls", "username": LOGIN[0], "password": "wrong"}, id="wrong password"),
        pytest.param({"tls": "starttls"}, id="no login"),
        pytest.param({"tls": "none"}, id="no encryption"),
    ],
)
async def test_a_login_that_fails_is_the_channels_trouble_and_no_mails_fault(
    strict: tuple[MailServer, ssl.SSLContext], fields: dict[str, Any]
) -> None:
    server, trust = strict
    with pytest.raises(Exception, match=r"\d{3}") as failure:
        await sender(server, trust, **fields).send(parcel())
    assert not isinstance(failure.value, Rejected | Deferred)
    assert LOGIN[1] not in str(failure.value)
    assert server.mails == []


async def test_a_server_that_nobody_vouches_for_gets_neither_password_nor_mail(
    strict: tuple[MailServer, ssl.SSLContext],
) -> None:
    server, _ = strict
    with pytest.raises(Exception, match="certificate") as failure:
        await sender(server, tls="starttls", username=LOGIN[0], password=LOGIN[1]).send(parcel())
    assert not isinstance(failure.value, Rejected | Deferred)
    assert server.mails == []


async def test_a_server_without_starttls_is_not_talked_to_in_clear(server: MailServer) -> None:
    with pytest.raises(Exception, match="STARTTLS") as failure:
        await sender(server, tls="starttls").send(parcel())
    assert not isinstance(failure.value, Rejected | Deferred)
    assert server.mails == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("550 nobody", Rejected), ("553 no such name", Rejected), ("451 later", Deferred), ("452 full", Deferred)],
)
async def test_what_is_said_of_a_recipient_concerns_this_mail(
    server: MailServer, answer: str, expected: type[Exception]
) -> None:
    server.refusals["ada@example.org"] = answer
    with pytest.raises(expected, match=answer[:3]):
        await sender(server).send(parcel())


async def test_a_server_that_is_closing_is_in_trouble_itself(server: MailServer) -> None:
    server.refusals["ada@example.org"] = "421 closing"
    with pytest.raises(ConnectionError):
        await sender(server).send(parcel())


async def test_somebody_else_who_listens_there_is_trouble_in_time(server: MailServer) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(mute, HOST, 0)
    settings = {"port": silent.sockets[0].getsockname()[1], "timeout_seconds": 0.2}
    with pytest.raises(TimeoutError):
        await sender(server, **settings).send(parcel())
    silent.close()
    await silent.wait_closed()


async def test_what_this_house_cannot_open_is_not_sent(server: MailServer) -> None:
    with pytest.raises(Rejected, match="cannot be read"):
        await sender(server).send(parcel(sealed=b"x" * 40, kind="password_reset"))
    assert server.connections == 0
