"""Pages of messages: oldest first inside each, leading on in their direction, steady while messages come."""

from typing import Any

import pytest

from tests.chat.served import ChatHouse


@pytest.fixture
async def chat_id(house: ChatHouse) -> str:
    """Twenty notes of Ada's, which Ben reads."""
    made = await house.group("ada", "ben")
    await house.pour("ada", made, 20)
    return made


async def walk(house: ChatHouse, chat_id: str, query: str, *, repeat: bool) -> list[list[int]]:
    """The numbers of each page, from the first to the last; ``repeat`` the query with the cursor, or only that."""
    pages, page = [], await house.get("ben", f"/chats/{chat_id}/messages?{query}")
    while True:
        pages.append([message["seq"] for message in page["items"]])
        if page["next_cursor"] is None:
            return pages
        more = f"{query if repeat else 'limit=8'}&cursor={page['next_cursor']}"
        page = await house.get("ben", f"/chats/{chat_id}/messages?{more}")


PAGES: list[tuple[str, Any]] = [
    ("", range(1, 21)),
    ("?limit=3", [18, 19, 20]),
    ("?before=5&limit=3", [2, 3, 4]),
    ("?before=1", []),
    ("?before=0", []),
    ("?before=9007199254740992&limit=1", [20]),
    ("?after=5&limit=3", [6, 7, 8]),
    ("?after=0&limit=2", [1, 2]),
    ("?after=20", []),
    ("?after=9007199254740992", []),
    ("?after=5&before=9", [6, 7, 8]),
    ("?after=5&before=15&limit=2", [13, 14]),
    ("?after=9&before=5", []),
]


async def test_a_page_begins_where_it_is_asked_to(house: ChatHouse, chat_id: str) -> None:
    for query, numbers in PAGES:
        assert await house.seqs("ben", chat_id, query) == list(numbers), query


async def test_pages_lead_on_in_their_direction(house: ChatHouse, chat_id: str) -> None:
    for repeat in (True, False):
        back = await walk(house, chat_id, "limit=8", repeat=repeat)
        assert back == [[*range(13, 21)], [*range(5, 13)], [*range(1, 5)]]
        before = await walk(house, chat_id, "before=11&limit=8", repeat=repeat)
        assert before == [[*range(3, 11)], [1, 2]]
        on = await walk(house, chat_id, "after=2&limit=8", repeat=repeat)
        assert on == [[*range(3, 11)], [*range(11, 19)], [19, 20]]


async def test_both_bounds_hold_on_every_page(house: ChatHouse, chat_id: str) -> None:
    pages = await walk(house, chat_id, "after=4&before=15&limit=4", repeat=True)
    assert pages == [[11, 12, 13, 14], [7, 8, 9, 10], [5, 6]]


async def test_pages_are_steady_while_messages_come(house: ChatHouse, chat_id: str) -> None:
    path = f"/chats/{chat_id}/messages?limit=5"
    newest = await house.get("ben", path)
    first = await house.get("ben", f"{path}&after=15")
    await house.pour("ada", chat_id, 7)
    older = await house.get("ben", f"{path}&cursor={newest['next_cursor']}")
    assert [message["seq"] for message in older["items"]] == [11, 12, 13, 14, 15]
    assert first["next_cursor"] is None
    assert await house.seqs("ben", chat_id, "?after=20") == [21, 22, 23, 24, 25, 26, 27]


async def test_an_empty_chat_has_an_empty_page(house: ChatHouse) -> None:
    chat_id = await house.direct("ada", "ben")
    for query in ("", "?after=0", "?before=3", "?q=word", "?after=0&q=word"):
        page = await house.get("ada", f"/chats/{chat_id}/messages{query}")
        assert page == {"items": [], "next_cursor": None}, query


async def test_a_message_is_the_same_wherever_it_is_seen(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    first = await house.say("ada", chat_id, "look at @Ben")
    fields = {"kind": "image", "file_id": "f-1", "reply_to": first["id"], "client_id": "c"}
    sent = await house.say("ben", chat_id, "this one", **fields)
    assert (sent["seq"], sent["kind"], sent["file_id"], sent["reply_to"]) == (2, "image", "f-1", first["id"])
    assert first["mentions"] == [house.people["ben"].id]
    assert (await house.get("ada", f"/chats/{chat_id}/messages"))["items"] == [first, sent]
    assert await house.get("ada", f"/messages/{sent['id']}") == sent
    assert (await house.get("ada", f"/chats/{chat_id}"))["last_message"] == sent
    assert "words" not in sent and "client_id" not in sent
