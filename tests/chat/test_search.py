"""Words that messages are found by: in one chat, and in all of one's own."""

import asyncio
from urllib.parse import quote

import pytest

from tests.chat.served import ChatHouse


async def found(house: ChatHouse, who: str, q: str, chat_id: str | None = None, query: str = "") -> list[str]:
    """What was written in the messages that fit."""
    path = "/messages" if chat_id is None else f"/chats/{chat_id}/messages"
    page = await house.get(who, f"{path}?q={quote(q, safe='')}{query}")
    return [message["content"] for message in page["items"]]


@pytest.fixture
async def chat_id(house: ChatHouse) -> str:
    made = await house.group("ada", "ben")
    for text in ("The Analytical Engine", "an engine of brass", "brass bands", "差分机 is a machine", "Café CRÈME"):
        await house.say("ada", made, text)
    return made


FINDS: list[tuple[str, list[str]]] = [
    ("engine", ["The Analytical Engine", "an engine of brass"]),
    ("ENGINE Brass", ["an engine of brass"]),
    ("brass engine", ["an engine of brass"]),
    ("engi", ["The Analytical Engine", "an engine of brass"]),
    ("engi brass", []),
    ("brass engi", ["an engine of brass"]),
    ("gine", []),
    ("差分", ["差分机 is a machine"]),
    ("机", ["差分机 is a machine"]),
    ("crème café", ["Café CRÈME"]),
    ("...", []),
    ("👍", []),
    ("' | 'engine", ["The Analytical Engine", "an engine of brass"]),
    ("engine & !brass", ["an engine of brass"]),
    ("\\'':*", []),
    ("chat:", []),
    ("e" * 200, []),
    ("a " * 100, ["差分机 is a machine"]),
]


async def test_every_word_counts_and_the_last_may_be_begun(house: ChatHouse, chat_id: str) -> None:
    for q, contents in FINDS:
        assert await found(house, "ben", q, chat_id) == contents, q
        assert await found(house, "ben", q) == contents[::-1], q
        assert await found(house, "cyd", q) == [], q


async def test_what_is_edited_or_recalled_is_found_as_it_is_now(house: ChatHouse, chat_id: str) -> None:
    sent = await house.say("ada", chat_id, "cogs")
    path = f"/chats/{chat_id}/messages/{sent['id']}"
    await house.call("ada", "PATCH", path, {"content": "wheels"})
    assert (await found(house, "ben", "cogs", chat_id), await found(house, "ben", "wheels")) == ([], ["wheels"])
    await house.call("ada", "DELETE", path, expect=204)
    assert await found(house, "ben", "wheels", chat_id) == await found(house, "ben", "wheels") == []


async def test_only_ones_own_chats_are_searched(house: ChatHouse, chat_id: str) -> None:
    hidden = await house.group("ada", "cyd")
    await house.say("ada", hidden, "secret engine")
    assert await found(house, "cyd", "engine") == ["secret engine"]
    assert "secret engine" not in await found(house, "ben", "engine")
    await house.get("ben", f"/chats/{hidden}/messages?q=engine", expect=404)

    await house.call("ben", "DELETE", f"/chats/{chat_id}/members/me", expect=204)
    assert await found(house, "ben", "engine") == []
    await house.get("ben", f"/chats/{chat_id}/messages?q=engine", expect=404)


async def test_what_the_house_says_by_itself_is_not_found(house: ChatHouse, chat_id: str) -> None:
    await house.call("ada", "POST", f"/chats/{chat_id}/members", {"user_id": "cyd"}, expect=201)
    assert (await house.get("ben", f"/chats/{chat_id}"))["last_message"]["content"] == "ada added cyd"
    assert await found(house, "ben", "added", chat_id) == await found(house, "ben", "added") == []


async def test_pages_of_a_common_and_of_a_rare_word_are_whole(house: ChatHouse) -> None:
    """Both ways of looking: among the nearest messages, and through the index of words."""
    chat_id = await house.group("ada", "ben")
    for part in range(6):
        await house.pour("ada", chat_id, 299, "common {}")
        await house.say("ada", chat_id, f"common rare {part}")
    path = f"/chats/{chat_id}/messages?limit="
    for word, last, limit in (("common", range(1, 1_801), 100), ("rare", range(300, 1_801, 300), 4)):
        for direction in ("", "&after=0"):
            seen: list[int] = []
            page = await house.get("ben", f"{path}{limit}&q={word}{direction}")
            while True:
                numbers = [message["seq"] for message in page["items"]]
                seen = [*seen, *numbers] if direction else [*numbers, *seen]
                if page["next_cursor"] is None:
                    break
                page = await house.get("ben", f"{path}{limit}&q={word}{direction}&cursor={page['next_cursor']}")
            assert seen == list(last), (word, direction)
    assert await house.seqs("ben", chat_id, "?q=rare&before=900") == [300, 600]
    assert await house.seqs("ben", chat_id, "?q=rare&after=900") == [1_200, 1_500, 1_800]
    assert await house.seqs("ben", chat_id, "?q=rare&after=300&before=1500&limit=2") == [900, 1_200]
    assert await house.seqs("ben", chat_id, "?q=rare&after=600&before=1500") == [900, 1_200]


async def test_a_search_everywhere_is_newest_first_over_all_chats(house: ChatHouse) -> None:
    groups = [await house.group("ada", "ben", name=f"g{n}") for n in range(3)]
    sent = [await house.say("ada", groups[n % 3], f"wheel {n}") for n in range(10)]
    await asyncio.gather(*(house.pour("ada", group, 250, "other {}") for group in groups))

    seen, cursor = [], ""
    while True:
        page = await house.get("ben", f"/messages?q=wheel&limit=4{cursor}")
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == sent[::-1]


async def test_a_search_is_for_something(house: ChatHouse, chat_id: str) -> None:
    for q in ("", "e" * 201):
        for path in (f"/messages?q={q}", f"/chats/{chat_id}/messages?q={q}"):
            problem = await house.get("ben", path, expect=400)
            assert (problem["code"], problem["errors"][0]["path"]) == ("invalid_request", "$.q")
