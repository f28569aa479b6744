"""What quotes a message says it no longer once the message was taken back, or went with its chat."""

from typing import Any

from tests.chat_arrivals.house import TalkingHouse
from tests.system.house import Person


async def quotes(house: TalkingHouse, who: Person) -> list[str]:
    """What the entries of chats quote."""
    return [entry["body"] for entry in await house.entries(who) if entry["type"] in {"message", "mention"}]


async def recovered(house: TalkingHouse, who: Person) -> list[Any]:
    """What somebody's own channel says of such entries when they come back."""
    wire = await house.listen(who)
    found = await wire.ask(history={"channel": f"user:{who.id}", "limit": 100})
    told = [one["data"] for one in found["history"]["publications"]]
    entries = [one["notification"] for one in told if one["type"] == "notification.created"]
    return [entry["body"] for entry in entries if entry["type"] in {"message", "mention"}]


async def test_an_entry_loses_the_words_of_a_message_that_was_taken_back(
    house: TalkingHouse, ada: Person, ben: Person
) -> None:
    chat_id = await house.group(ada, ben)
    await house.say(chat_id, ada, "harmless")
    secret = await house.say(chat_id, ada, "@ben, the code is 1234")
    assert await quotes(house, ben) == ["harmless", "@ben, the code is 1234"]

    await house.call("DELETE", f"/chats/{chat_id}/messages/{secret['id']}", ada, expect=204)

    assert await quotes(house, ben) == ["harmless", ""]
    assert await recovered(house, ben) == ["harmless", ""]
    entry = (await house.entries(ben))[-1]
    assert (entry["title"], entry["data"]["message_id"]) == ("ada mentioned you in Us", secret["id"])


async def test_an_entry_loses_the_words_of_a_chat_that_has_ended(house: TalkingHouse, ada: Person, ben: Person) -> None:
    chat_id = await house.group(ada, ben)
    await house.say(chat_id, ada, "the code is 1234")
    assert await quotes(house, ben) == ["the code is 1234"]

    await house.call("DELETE", f"/chats/{chat_id}", ada, expect=204)

    assert await quotes(house, ben) == [""]


async def test_who_names_nobody_anew_is_not_told_whom_a_taken_back_edit_named(
    house: TalkingHouse, ada: Person, ben: Person
) -> None:
    chat_id = await house.group(ada, ben)
    message = await house.say(chat_id, ada, "hello")
    path = f"/chats/{chat_id}/messages/{message['id']}"
    await house.call("PATCH", path, ada, {"content": "@ben"})
    await house.call("DELETE", path, ada, expect=204)

    wire = await house.listen(ben, f"chat:{chat_id}")
    found = await wire.ask(history={"channel": f"chat:{chat_id}", "limit": 100})
    [edited] = [one["data"] for one in found["history"]["publications"] if one["data"]["type"] == "message.edited"]
    assert (edited["message"]["content"], edited["message"]["mentions"], edited["named"]) == ("", [], [])
