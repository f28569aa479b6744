"""The whole house behind its real edges, with a mail server to turn to."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp

from actors.messages.account import SetRole
from actors.outgoing.settings import EmailSettings, OutgoingSettings
from actors.runtime.message import SYSTEM
from app import logs
from app.application import listening
from app.composition import compose
from app.config import Config, Data, Http
from handlers.rate_limit import LimitSettings
from tests.notification.house import CHEAP, until
from tests.outgoing.mail_server import MailServer, text_of
from tests.outgoing.world import QUICK
from tests.system.house import Person, ServedHouse
from tests.transport import sections

_TOKEN = re.compile(r"^[A-Za-z0-9_-]{43}$", re.MULTILINE)


class MailedHouse(ServedHouse):
    """Shorthands for what the tests do all the time."""

    server: MailServer

    def mails(self, name: str) -> list[EmailMessage]:
        """What somebody has got."""
        return [mail for mail in self.server.mails if mail["To"] == f"{name}@example.org"]

    async def mailed(self, name: str, count: int = 1) -> list[EmailMessage]:
        """Wait until somebody has got so many mails."""

        async def enough() -> list[EmailMessage]:
            found = self.mails(name)
            return found if len(found) >= count else []

        found: list[EmailMessage] = await until(enough)
        assert len(found) == count
        return found

    async def proved(self, name: str) -> Person:
        """Register somebody who shows the token that comes by mail; their mailbox is empty afterwards."""
        person = await self.person(name)
        [mail] = await self.mailed(name)
        await self.call("POST", "/auth/verify-email", "", {"token": token_of(mail)})
        self.server.mails.remove(mail)
        return person

    async def notify(self, person: Person, title: str, *, expect: int = 202, **fields: Any) -> None:
        """Tell somebody something, as an administrator does."""
        body = {"to": [person.id], "title": title, "channels": ["inbox", "email"], **fields}
        await self.call("POST", "/notifications", self.admin.token, body, expect=expect)

    async def rows(self, person: Person, *, but: str = "verify_email") -> list[Any]:
        """What was to leave the house for somebody, oldest first, without the mail of their registration."""
        return await self.sql(
            "select * from outgoing where user_id = $1 and type <> $2 order by created_at, id", person.id, but
        )

    async def row_in(self, person: Person, state: str) -> Any:
        """Wait until somebody's only row has a state, and return it."""

        async def found() -> Any:
            rows = await self.rows(person)
            return rows if [row["state"] for row in rows] == [state] else []

        [row] = await until(found)
        return row


def token_of(mail: EmailMessage) -> str:
    """The one-time token in a mail."""
    [token] = _TOKEN.findall(text_of(mail))
    return str(token)


@asynccontextmanager
async def open_mailed(
    dsn: str,
    folder: Path,
    email: EmailSettings,
    server: MailServer,
    outgoing: OutgoingSettings = QUICK,
    *,
    is_new: bool = True,
) -> AsyncIterator[MailedHouse]:
    """A house that listens, stopped at the end. An administrator is there, unless another house was there before."""
    config = Config(
        data=Data(dir=str(folder)), auth=CHEAP, limits=LimitSettings(enabled=False), http=Http(port=0), email=email,
        outgoing=outgoing, **sections(),
    )  # fmt: skip
    log = logs.start(path=folder / "house.log", level="debug", stdout=False)
    try:
        async with (
            compose(config, dsn, None, log) as house,
            listening(config, house) as url,
            aiohttp.ClientSession(base_url=url) as http,
        ):
            house.open(lambda: None)
            mailed = MailedHouse(house, http, url, log)
            mailed.server = server
            if is_new:
                mailed.admin = await (mailed.proved if email.host else mailed.person)("root")
                await mailed.refs("account", mailed.admin.id).ask(
                    SetRole(user_id=mailed.admin.id, role="super_admin"), SYSTEM
                )
            yield mailed
            house.close()
    finally:
        log.close()
