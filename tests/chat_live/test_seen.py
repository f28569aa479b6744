"""Who is online, and when the others were last: as members of a chat see each other, over restarts too."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.chat_live.desk import Chat, ChatDesk
from tests.running import Person


async def seen(desk: ChatDesk, chat: Chat, by: Person, who: Person) -> dict[str, Any]:
    """How one member sees another."""
    members = (await desk.call("GET", f"{chat.path}/members", by.headers))["items"]
    return next(member for member in members if member["user_id"] == who.id)


async def went(desk: ChatDesk, chat: Chat, by: Person, who: Person) -> datetime:
    """When somebody was last there, once they are seen to be gone."""
    async with asyncio.timeout(5):
        while (member := await seen(desk, chat, by, who))["online"]:
            await asyncio.sleep(0.02)
    return datetime.fromisoformat(member["last_seen_at"])


async def test_members_see_who_is_online_and_when_the_others_were(own_desk: ChatDesk) -> None:
    desk = own_desk
    ada, bob = await desk.people(2)
    chat = await desk.group(ada, bob)
    never = await seen(desk, chat, ada, bob)
    assert (never["online"], never["last_seen_at"]) == (False, None)

    first, second = await desk.wire(bob), await desk.wire(bob)
    here = await seen(desk, chat, ada, bob)
    assert (here["online"], here["last_seen_at"]) == (True, None)
    await first.close()
    assert (await seen(desk, chat, ada, bob))["online"]
    await second.close()
    at = await went(desk, chat, ada, bob)
    assert timedelta(0) <= datetime.now(UTC) - at < timedelta(seconds=5)

    await desk.wire(bob)
    await desk.house.stop()  # everybody is said goodbye to
    await desk.house.start()
    again = await went(desk, chat, ada, bob)
    assert at < again

    await (await desk.wire(bob)).close()
    kept = await went(desk, chat, ada, bob)
    assert again < kept
    await asyncio.sleep(1.5)  # it is a row by now
    await desk.wire(bob)
    desk.house.kill()
    await desk.house.start()
    assert await went(desk, chat, ada, bob) == kept
    assert desk.house.faults() == []
