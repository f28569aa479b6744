"""A house that pushes, and people whose browsers have subscribed."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from actors.outgoing.port import Entry, Parcel
from actors.outgoing.push import PushBook, PushSender, PushSettings
from actors.runtime.clock import SystemClock
from app import logs
from app.application import listening
from app.composition import compose
from app.config import Config, Data, Http
from app.keyring import open_vapid_key
from handlers.rate_limit import LimitSettings
from storage.push import PushStore
from tests import transport
from tests.notification.house import CHEAP
from tests.push.browser import Browser, PushService, b64, point_of
from tests.system.house import Person, ServedHouse

HERE = PushSettings(allow_private=True, subject="mailto:post@example.org")
PATH = "/notifications/push-subscriptions"


class PushingHouse:
    """A served house, seen as people with browsers."""

    def __init__(self, served: ServedHouse, config: Config) -> None:
        self.served = served
        self.call = served.call
        self.sql = served.sql
        self.config = config
        self.store = PushStore(served.house._core.base.database)
        self.book = PushBook(self.store, served.refs)
        self.key = open_vapid_key(config)

    async def subscribe(self, person: Person, body: Any, *, expect: int = 201) -> Any:
        """Tell the house of a browser."""
        return await self.call("POST", PATH, person.token, body, expect=expect)

    async def open_browser(self, person: Person, service: PushService) -> tuple[Browser, str]:
        """A browser that has subscribed, and the subscription's id."""
        key = await self.call("GET", "/notifications/push-key", person.token)
        browser = Browser(service, key["public_key"])
        made = await self.subscribe(person, browser.subscription)
        return browser, made["id"]

    async def listed(self, person: Person) -> list[Any]:
        """A person's subscriptions, newest first."""
        page = await self.call("GET", f"{PATH}?limit=100", person.token)
        return list(page["items"])

    def sender(self, session: aiohttp.ClientSession) -> PushSender:
        """What takes parcels to push services."""
        return PushSender(self.store, self.key, session, SystemClock(), self.config.push.ttl_seconds)


def parcel(person: Person, address: str, **fields: Any) -> Parcel:
    """One notification for one address."""
    plain = Entry("row", "notice", "system", "Hello", "How are you?", {"a": [1]}, "normal", datetime.now(UTC))
    return Parcel("parcel", person.id, "ada", address, [plain._replace(**fields)])


def stranger(number: int = 0) -> dict[str, Any]:
    """A subscription at a push service that nobody asks here."""
    keys = {"p256dh": b64(point_of(generate_private_key(SECP256R1()).public_key())), "auth": b64(os.urandom(16))}
    return {"endpoint": f"https://push.example.net/{number}", "keys": keys}


@asynccontextmanager
async def open_pushing(
    dsn: str, folder: Path, *, has_people: bool = True, **sections: Any
) -> AsyncIterator[PushingHouse]:
    """A house that listens, with an administrator and ``ada`` in it, unless they are there; logs to house.log."""
    config = Config(
        data=Data(dir=str(folder)), auth=CHEAP, limits=LimitSettings(enabled=False), http=Http(port=0),
        **{"push": HERE, **transport.sections(), **sections},
    )  # fmt: skip
    log = logs.start(path=folder / "house.log", level="info", stdout=False)
    try:
        async with (
            compose(config, dsn, None, log) as house,
            listening(config, house) as url,
            aiohttp.ClientSession(base_url=url) as http,
        ):
            house.open(lambda: None)
            served = ServedHouse(house, http, url, log)
            if has_people:
                served.admin = await served.person("root", "super_admin")
                served.ada = await served.person("ada")
            yield PushingHouse(served, config)
            house.close()
    finally:
        log.close()
