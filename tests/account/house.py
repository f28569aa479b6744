"""A house with accounts alone: real runtime, journal, PostgreSQL, edge and sockets; passwords are cheap."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import ClientSession, web

from actors.auth.keys import KeyRing, open_key_ring
from actors.auth.mailer import Mail
from actors.auth.settings import AuthSettings
from actors.errors import Conflict
from actors.messages.account import SetRole
from actors.messages.user import Role
from actors.outgoing.account_mail import AccountMail
from actors.outgoing.seal import KEY_BYTES, Seal
from actors.profile import ProfileOwner, Profiles
from actors.quota import QuotaSettings
from actors.runtime.actor import Idempotency, Ref
from actors.runtime.clock import SystemClock
from actors.runtime.message import SYSTEM, Caller
from actors.runtime.ports import DeadLetter, Stored
from actors.runtime.system import System
from app.accounts import AccountParts, build_accounts
from handlers.account import OPERATIONS as ACCOUNT
from handlers.api_key import OPERATIONS as API_KEY
from handlers.dispatch import Dispatcher
from handlers.edge import Edge, EdgeSettings
from handlers.rate_limit import LimitSettings
from handlers.routes import build_routes
from handlers.server import Runner
from handlers.session import OPERATIONS as SESSION
from storage.house import House
from storage.idempotency import IdempotencyStore, insert_idempotency
from storage.journal import Journal
from storage.postgres import Database
from storage.profile import ProfileStore
from storage.queries import Statement
from storage.write import Write
from tests.transport import carried

PASSWORD = "correct horse"
CHEAP = AuthSettings(
    argon2_memory_kib=8,
    argon2_passes=1,
    attempts_per_account=1_000,
    attempts_per_address=100_000,
    api_keys_per_person=5,
)


class Listener:
    """Hears of events, mail and dead letters, and remembers them."""

    def __init__(self) -> None:
        self.parts: AccountParts | None = None
        self.events: list[Stored] = []
        self.mails: list[Mail] = []
        self.letters: list[DeadLetter] = []

    def publish(self, events: Sequence[Stored]) -> None:
        self.events.extend(events)
        if self.parts is not None:
            self.parts.identities.publish(events)

    def keep(self, mail: Mail, now: datetime) -> Write:
        return AccountMail(Seal(bytes(KEY_BYTES)), lambda: None).keep(mail, now)

    def post(self, mail: Mail) -> None:
        self.mails.append(mail)

    async def store(self, letter: DeadLetter) -> None:
        self.letters.append(letter)


class Records:
    """What keys have made, as the edge asks for it."""

    def __init__(self, store: IdempotencyStore) -> None:
        self._store = store

    async def find(self, caller: str, route: str, key: str) -> tuple[bytes, str] | None:
        made = await self._store.get_idempotency(caller, route, key)
        return None if made is None or made.object_id is None else (made.body_hmac, made.object_id)


class Answer:
    """Status, headers and decoded body of an answer."""

    def __init__(self, status: int, headers: Any, body: Any) -> None:
        self.status, self.headers, self.body = status, headers, body

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    @property
    def refusal(self) -> tuple[int, str]:
        return self.status, self.body["code"]


class AccountHouse:
    """Shorthands for what the tests do all the time."""

    def __init__(
        self,
        http: ClientSession,
        system: System,
        database: Database,
        parts: AccountParts,
        heard: Listener,
        keys: KeyRing,
    ) -> None:
        self.http, self.system, self.database, self.heard, self.keys = http, system, database, heard, keys
        self.identities = parts.identities
        self.parts = parts

    async def call(self, method: str, path: str, body: Any = None, *, token: str = "", key: str = "") -> Answer:
        """Send a request below the base; ``token`` as bearer, ``key`` as idempotency key."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if key:
            headers["Idempotency-Key"] = key
        whole = path if path.startswith("/.well") else f"/api/v1{path}"
        async with self.http.request(method, whole, json=body, headers=headers) as response:
            raw = await response.read()
            return Answer(response.status, response.headers, msgspec.json.decode(raw) if raw else None)

    async def register(self, name: str, **fields: Any) -> Answer:
        """Register ``name`` with an address and the usual password."""
        body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, **fields}
        answer = await self.call("POST", "/users/register", body)
        assert answer.status == 201, answer.body
        return answer

    async def log_in(self, login: str, password: str = PASSWORD) -> Answer:
        return await self.call("POST", "/users/login", {"login": login, "password": password})

    async def refresh(self, token: str) -> Answer:
        return await self.call("POST", "/auth/refresh", {"refresh_token": token})

    async def person(self, name: str, role: Role = "user") -> Answer:
        """Somebody who is logged in and has a role, given by the house."""
        answer = await self.register(name)
        if role != "user":
            user_id = answer["user"]["id"]
            await self.system.ref("account", user_id).ask(SetRole(user_id=user_id, role=role), SYSTEM)
        return answer

    async def sql(self, text: str, *args: Any) -> list[Any]:
        return await self.database.fetch(Statement("test", text, "many"), *args)

    async def stream(self, name: str) -> list[tuple[int, str]]:
        """Numbers and types of a stream's events as they are stored."""
        return [(r["n"], r["type"]) for r in await self.sql("select * from event where stream = $1 order by n", name)]

    def told(self, kind: str) -> list[dict[str, Any]]:
        """Bodies of published events of a type."""
        return [msgspec.json.decode(event.body) for event in self.heard.events if event.type == kind]


@asynccontextmanager
async def open_house(
    dsn: str, folder: Path, settings: AuthSettings = CHEAP, *, mail: bool = True
) -> AsyncIterator[AccountHouse]:
    """A running house, stopped at the end."""
    keys = open_key_ring(
        folder / "keys.json", kid=settings.signing_key, algorithm=settings.algorithm, keep_seconds=900,
        now=datetime.now(UTC),
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        house = await House.claim(dsn, "one", alone=True)
        stack.push_async_callback(house.release)
        database = await Database.open(dsn, house.application_name, pool_size=4)
        stack.push_async_callback(database.close)
        journal = Journal(dsn, house, lanes=2)
        await journal.start()
        stack.push_async_callback(journal.stop)
        heard, systems = Listener(), list[System]()

        def ref(kind: str, key: str) -> Ref:
            return systems[0].ref(kind, key)

        parts = build_accounts(
            settings, QuotaSettings(), database=database, keys=keys, clock=SystemClock(),
            ref=ref, mailer=heard if mail else None,
        )  # fmt: skip
        heard.parts = parts
        profiles = ProfileStore(database)  # what strangers see of an account is theirs
        stack.callback(parts.passwords.close)
        system = System(
            transport=await stack.enter_async_context(carried()),  # as if every message left the process
            kinds=[*parts.kinds, ProfileOwner(profiles), Profiles(profiles, ref)], journal=journal, publisher=heard,
            dead_letters=heard, record_idempotency=record_idempotency,
        )  # fmt: skip
        systems.append(system)
        await stack.enter_async_context(system)
        http = await serve(stack, system, parts, database)
        yield AccountHouse(http, system, database, parts, heard, keys)
        assert heard.letters == []


async def serve(stack: AsyncExitStack, system: System, parts: AccountParts, database: Database) -> ClientSession:
    """Put the house behind the real edge and return a client."""
    operations = [*ACCOUNT, *SESSION, *API_KEY]
    edge = Edge(
        dispatcher=Dispatcher(system.ref, operations, Records(IdempotencyStore(database)), b"secret"),
        identities=parts.identities,
        observer=lambda _method, _pattern: lambda *_: None,
        settings=EdgeSettings(),
        rates=LimitSettings(enabled=False),
    )
    app = web.Application()
    build_routes(app, edge)
    runner = Runner(app, shutdown_timeout=1, lingering_time=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return await stack.enter_async_context(ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}"))


def record_idempotency(caller: Caller, idempotency: Idempotency, made: str) -> Any:
    """As `app` wires it."""
    return insert_idempotency(
        caller.user_id or "anonymous", idempotency.route, idempotency.key, idempotency.body_hmac, made,
        datetime.now(UTC), Conflict("this key is taken"),
    )  # fmt: skip
