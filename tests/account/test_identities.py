"""Verified tokens are remembered, and forgotten at once when what they stand for changes."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from actors.errors import Unauthorized
from actors.messages.session import LogOut
from app.identities import Identities
from handlers.ports import Revocation, TokenExpired
from tests.account.house import PASSWORD, AccountHouse, open_house


async def test_a_verified_token_is_known_without_the_database(house: AccountHouse) -> None:
    token = (await house.register("ada"))["access_token"]
    assert house.identities.known(token) is None
    identity = await house.identities.verify(token)
    assert house.identities.known(token) is identity
    assert identity.caller.role == "user" and identity.caller.scopes == {"read", "write"}


async def test_listeners_hear_who_ends_after_the_token_was_forgotten(house: AccountHouse) -> None:
    ada = await house.register("ada")
    other = await house.log_in("ada")
    heard: list[tuple[Revocation, bool]] = []
    token = other["access_token"]
    house.identities.on_revoked(lambda revocation: heard.append((revocation, house.identities.known(token) is None)))
    kept = (await house.identities.verify(ada["access_token"])).caller.session_id
    ended = (await house.identities.verify(token)).caller
    await house.call("PUT", "/users/me/password", {"current": PASSWORD, "new": "password"}, token=ada["access_token"])
    assert heard == [(Revocation(ada["user"]["id"], None, kept), True)]
    heard.clear()
    await house.call("POST", "/auth/logout", token=ada["access_token"])
    assert heard == [(Revocation(ada["user"]["id"], kept, None), True)]
    assert ended.session_id != kept


async def test_an_ended_token_is_not_known_and_says_that_it_has_ended(house: AccountHouse) -> None:
    ada = await house.register("ada")
    clock = Late()
    late = Identities(house.parts.identities._verifier, clock, 10)
    await late.verify(ada["access_token"])
    clock.late = timedelta(seconds=901)
    assert late.known(ada["access_token"]) is None
    late._verifier._clock = clock
    with pytest.raises(TokenExpired):
        await late.verify(ada["access_token"])


class Late:
    """A clock that can be put forward."""

    late = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.late

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.late.total_seconds()


async def test_beyond_its_capacity_the_token_unused_for_longest_is_forgotten(house: AccountHouse) -> None:
    tokens = [(await house.register(f"person{n}"))["access_token"] for n in range(4)]
    few = Identities(house.identities._verifier, Late(), 3)
    for token in tokens[:3]:
        await few.verify(token)
    assert few.known(tokens[0]) is not None
    await few.verify(tokens[3])
    assert [few.known(token) is not None for token in tokens] == [True, False, True, True]
    assert sum(map(len, few._tokens_of.values())) == 3


async def test_what_was_read_before_a_revocation_is_never_remembered_after_it(house: AccountHouse) -> None:
    ada = await house.register("ada")
    token = ada["access_token"]
    verifier = house.identities._verifier
    caller = (await house.identities.verify(token)).caller

    class Slow:
        """Reads, then waits while the session ends."""

        async def verify(self, token: str) -> Any:
            standing = await verifier.verify(token)
            await house.system.ref("sessions").ask(LogOut(), caller)
            return standing

    racing = Identities(Slow(), Late(), 10)  # type: ignore[arg-type]
    house.heard.parts = house.parts._replace(identities=racing)
    with pytest.raises(Unauthorized):
        await racing.verify(token)
    assert racing.known(token) is None


async def test_while_the_database_is_gone_unknown_tokens_are_answered_503(database_dsn: str, tmp_path: Path) -> None:
    async with open_house(database_dsn, tmp_path) as house:
        ada, bob = await house.register("ada"), await house.register("bob")
        assert (await house.call("GET", "/users/me", token=ada["access_token"])).status == 200
        await house.database.close()
        assert (await house.call("GET", "/users/me", token=ada["access_token"])).status == 200  # all in memory
        answer = await house.call("GET", "/users/me", token=bob["access_token"])
        assert answer.refusal == (503, "unavailable") and "Retry-After" in answer.headers
