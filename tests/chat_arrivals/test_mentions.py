"""Being named is heard everywhere: muted, told already, watching. Not by oneself, and not from whom one has blocked."""

from tests.chat_arrivals.house import TalkingHouse
from tests.system.house import Person

NAMED = ("mention", "ada mentioned you in Us")
INVITED = ("chat", "ada added you to Us")


async def test_who_is_named_hears_of_that_and_not_of_the_message_too(
    house: TalkingHouse, ada: Person, ben: Person, cyd: Person
) -> None:
    chat_id = await house.group(ada, ben, cyd)
    message = await house.say(chat_id, ada, "@ben and @ada, look")

    assert await house.titles(ben) == [INVITED, NAMED]
    entry = (await house.entries(ben))[1]
    assert (entry["priority"], entry["body"]) == ("high", "@ben and @ada, look")
    assert entry["data"] == {"chat_id": chat_id, "seq": 1, "message_id": message["id"]}
    assert await house.arrived(ben) == [1]
    assert await house.titles(cyd) == [INVITED, ("message", "ada in Us")]
    assert await house.titles(ada) == []


async def test_being_named_counts_while_something_is_unread(house: TalkingHouse, ada: Person, ben: Person) -> None:
    chat_id = await house.group(ada, ben)
    await house.say(chat_id, ada, "first")
    await house.settled()
    await house.say(chat_id, ada, "@ben")
    await house.say(chat_id, ada, "@ben!")
    assert await house.titles(ben) == [INVITED, ("message", "ada in Us"), NAMED, NAMED]
    assert await house.arrived(ben) == [1]


async def test_being_named_counts_in_a_muted_chat(house: TalkingHouse, ada: Person, ben: Person) -> None:
    chat_id = await house.group(ada, ben)
    await house.mute(chat_id, ben)
    await house.say(chat_id, ada, "hello")
    await house.say(chat_id, ada, "@ben")
    assert await house.titles(ben) == [INVITED, NAMED]


async def test_being_named_counts_where_one_is_watching(house: TalkingHouse, ada: Person, ben: Person) -> None:
    chat_id = await house.group(ada, ben)
    await house.listen(ben, f"chat:{chat_id}")
    await house.say(chat_id, ada, "@ben")
    assert await house.titles(ben) == [INVITED, NAMED]
    assert await house.arrived(ben) == []


async def test_in_a_direct_chat_there_is_no_place_to_name(house: TalkingHouse, ada: Person, ben: Person) -> None:
    await house.say(await house.direct(ada, ben), ada, "@ben")
    assert await house.titles(ben) == [("mention", "ada mentioned you")]


async def test_nobody_is_called_by_whom_they_have_blocked(house: TalkingHouse, ada: Person, ben: Person) -> None:
    chat_id = await house.group(ada, ben)
    await house.call("PUT", "/profiles/ada/block", ben, expect=204)
    await house.say(chat_id, ada, "@ben")
    assert await house.titles(ben) == [INVITED, ("message", "ada in Us")]


async def test_an_edit_calls_whom_it_names_anew(house: TalkingHouse, ada: Person, ben: Person, cyd: Person) -> None:
    chat_id = await house.group(ada, ben, cyd)
    message = await house.say(chat_id, ada, "@ben")
    path = f"/chats/{chat_id}/messages/{message['id']}"
    await house.call("PATCH", path, ada, {"content": "@ben, @cyd and @ada"})
    await house.call("PATCH", path, ada, {"content": "@ben and @cyd, look"})

    assert await house.titles(ben) == [INVITED, NAMED]
    assert await house.titles(cyd) == [INVITED, ("message", "ada in Us"), NAMED]
    entry = (await house.entries(cyd))[2]
    assert (entry["body"], entry["data"]["message_id"]) == ("@ben, @cyd and @ada", message["id"])
    assert await house.titles(ada) == []


async def test_it_is_the_editor_who_calls(house: TalkingHouse, ada: Person, ben: Person, cyd: Person) -> None:
    chat_id = await house.group(ada, ben, cyd)
    message = await house.say(chat_id, ben, "hello")
    await house.call("PUT", "/profiles/ada/block", ben, expect=204)
    path = f"/chats/{chat_id}/messages/{message['id']}"
    await house.call("PATCH", path, ada, {"content": "@ada, @ben and @cyd"})

    assert await house.titles(cyd) == [INVITED, ("message", "ben in Us"), NAMED]
    assert await house.titles(ben) == [INVITED]  # who has blocked ada
    assert await house.titles(ada) == [("message", "ben in Us")]
