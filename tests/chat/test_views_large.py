"""A chat of 100,000 messages opens as one of 100 does: what is touched does not grow with what was said."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from actors.chat.words import query_of
from actors.runtime.ids import uuid7
from storage import queries
from storage.chat_view import FIRST_ID, LAST_ID
from storage.postgres import Connection, connect

Q = queries.load("chat_view")
LARGE, SMALL, ADA, BEN = uuid7(), uuid7(), uuid7(), uuid7()
SIZES = {LARGE: 100_000, SMALL: 100}
END = 2**53
MORE = 300
"""Pages of 8 KiB that a look at the large chat may touch beyond those of the small one."""

FILL = f"""
insert into chat values ($chat, 1, 'group', null, 'c', '', '', '{ADA}', 2, $size, now(), now());
insert into chat_member
select $chat, id, 'x', 'member', false, false, now() from unnest(array['{ADA}', '{BEN}']::uuid[]) as u (id);
insert into chat_read select chat_id, user_id, greatest($size - 9000, 0) from chat_member where chat_id = $chat;
insert into chat_message
select gen_random_uuid(), $chat, i, case when i % 2 = 0 then uuid '{ADA}' else '{BEN}' end, 'text', 'the engine', null,
    null, '[]', null, now() + i * interval '1 ms', null, null,
    format('''@%s'' ''engine'' ''w%sx'' ''rare%sx''', $chat, i, i % 1000)::tsvector
from generate_series(1, $size) i;
"""

LOOKS: dict[str, Any] = {
    "the chat": lambda chat: (Q.list_chats, ADA, chat, None, LAST_ID, 1),
    "the members": lambda chat: (Q.list_members, chat, ADA, None, FIRST_ID, 21),
    "the newest page": lambda chat: (Q.list_messages_before, chat, ADA, 0, END, 21),
    "the page before": lambda chat: (Q.list_messages_before, chat, ADA, 0, SIZES[chat] // 2, 21),
    "the page after": lambda chat: (Q.list_messages_after, chat, ADA, SIZES[chat] // 2, END, 21),
    "a word of all": lambda chat: (Q.find_messages_before, chat, ADA, 0, END, 21, query_of("engine", chat)),
    "a word of one": lambda chat: (Q.find_messages_before, chat, ADA, 0, END, 21, query_of("w51x", chat)),
    "a word of some": lambda chat: (Q.find_messages_before, chat, ADA, 0, END, 21, query_of("rare7x", chat)),
    "a word begun": lambda chat: (Q.find_messages_before, chat, ADA, 0, END, 21, query_of("engine eng", chat)),
    "a word of none": lambda chat: (Q.find_messages_before, chat, ADA, 0, END, 21, query_of("steam", chat)),
    "the first of a word": lambda chat: (Q.find_messages_after, chat, ADA, 0, END, 21, query_of("engine", chat)),
    "a word everywhere": lambda _: (Q.search_messages, ADA, query_of("engine"), None, LAST_ID, 21),
    "a rare word everywhere": lambda _: (Q.search_messages, ADA, query_of("rare7x"), None, LAST_ID, 21),
}


@pytest.fixture
async def connection(database_dsn: str) -> AsyncIterator[Connection]:
    """Ada and Ben in two chats; both have much to read, and wrote every other message."""
    connection = await connect(database_dsn, "test", command_timeout_seconds=60, settings={"statement_timeout": "60s"})
    for chat_id, size in SIZES.items():
        await connection.execute(FILL.replace("$chat", f"uuid '{chat_id}'").replace("$size", str(size)))
    await connection.execute("vacuum analyze")
    yield connection
    await connection.close()


async def look(connection: Connection, statement: Any, *args: Any) -> tuple[int, set[str]]:
    """Pages that a statement touches, and the tables that it reads from end to end."""
    text = "explain (analyze, buffers, timing off, summary off, format json) " + statement.sql
    [found] = msgspec.json.decode(await connection.fetchval(text, *args))
    plan = found["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], set(read_whole(plan))


def read_whole(plan: dict[str, Any]) -> list[str]:
    inner = [name for part in plan.get("Plans", ()) for name in read_whole(part)]
    return [*inner, plan["Relation Name"]] if plan["Node Type"] == "Seq Scan" and plan["Actual Rows"] else inner


@pytest.mark.parametrize("plans", ["force_custom_plan", "force_generic_plan"])
async def test_a_look_touches_no_more_of_a_large_chat(connection: Connection, plans: str) -> None:
    await connection.execute(f"set plan_cache_mode = {plans}")
    touched = {}
    for name, make in LOOKS.items():
        small, _ = await look(connection, *make(SMALL))
        large, whole = await look(connection, *make(LARGE))
        assert "chat_message" not in whole, name
        touched[name] = (small, large)
    assert {name: pages for name, pages in touched.items() if pages[1] > pages[0] + MORE} == {}
