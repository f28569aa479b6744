"""Who may connect and listen to a running house, and how soon that ends."""

from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from tests.realtime import scenarios
from tests.realtime.wire import Wire
from tests.realtime_house.desk import Desk
from tests.running import Person

End = Callable[[Desk, Person], Awaitable[object]]
MISSING = "task:00000000-0000-7000-8000-000000000009"


async def _log_out(desk: Desk, ada: Person) -> None:
    await desk.call("POST", "/auth/logout", ada.headers)


async def _block(desk: Desk, ada: Person) -> None:
    await desk.call("PATCH", f"/users/{ada.id}/status", desk.house.admin, {"status": "blocked"})


async def _delete(desk: Desk, ada: Person) -> None:
    await desk.call("DELETE", "/users/me", ada.headers)


async def _reuse_refresh_token(desk: Desk, ada: Person) -> None:
    body = {"refresh_token": ada.refresh_token}
    await desk.call("POST", "/auth/refresh", {}, body)
    assert (await desk.status("POST", "/auth/refresh", {}, body))[0] == 401


@pytest.mark.parametrize("end", [_log_out, _block, _delete, _reuse_refresh_token])
async def test_what_ends_a_session_closes_its_socket_at_once_and_for_good(desk: Desk, end: End) -> None:
    ada = await desk.person()

    async def act() -> None:
        await end(desk, ada)

    await scenarios.is_ended_by(desk.socket_url, ada.token, act, 3500)
    await scenarios.is_refused(desk.socket_url, ada.token, 3500)


async def test_a_new_password_closes_the_sockets_of_the_other_sessions_only(desk: Desk) -> None:
    ada = await desk.person()
    login = {"login": ada.name, "password": f"correct horse {ada.name}"}
    other = (await desk.call("POST", "/users/login", {}, login))["access_token"]
    async with (
        scenarios.connected(desk.socket_url, ada.token) as (here, _),
        scenarios.connected(desk.socket_url, other) as (_, there),
    ):
        body = {"current": login["password"], "new": "another horse battery"}
        await desk.call("PUT", "/users/me/password", ada.headers, body)
        await scenarios.until(lambda: there.disconnects == [3500], 2)
        assert here.state.value == "connected"


async def test_a_forged_token_is_refused_for_good(desk: Desk) -> None:
    ada = await desk.person()
    head, body, signature = ada.token.split(".")
    forged = ".".join([head, body, signature[::-1]])
    await scenarios.is_refused(desk.socket_url, forged, 3500)


async def test_a_strangers_task_and_a_missing_one_are_refused_alike(desk: Desk) -> None:
    ada, eve = await desk.person(), await desk.person()
    work = await desk.task(ada)
    wire = await Wire.open(desk.socket_url)
    await wire.ask(connect={"token": eve.token})
    answers = [await wire.ask(subscribe={"channel": channel}) for channel in (work.channel, MISSING, f"user:{ada.id}")]
    assert [answer["error"]["code"] for answer in answers] == [103, 103, 103]
    assert len({str(answer["error"]) for answer in answers}) == 1


async def test_a_foreign_page_may_open_no_socket(desk: Desk) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await Wire.open(desk.socket_url, headers={"Origin": "https://evil.example"})
    assert refused.value.status == 403
    own = await Wire.open(desk.socket_url, headers={"Origin": desk.house.url})
    assert not own.socket.closed


async def test_a_deleted_api_key_closes_its_own_sockets_only(desk: Desk) -> None:
    ada = await desk.person()
    keys = [
        await desk.call("POST", "/api-keys", ada.headers, {"name": name, "scopes": ["read"]}) for name in ("a", "b")
    ]
    async with (
        scenarios.connected(desk.socket_url, keys[0]["key"]) as (_, ended),
        scenarios.connected(desk.socket_url, keys[1]["key"]) as (here, _),
    ):
        await desk.call("DELETE", f"/api-keys/{keys[0]['id']}", ada.headers)
        await scenarios.until(lambda: ended.disconnects == [3500], 2)
        assert here.state.value == "connected"
